"""Forms as they were designed: their steps, their fields and the choices of a field."""

from collections.abc import Sequence

import msgspec


class Choice(msgspec.Struct, frozen=True, gc=False):
    """A choice that a field offers."""

    id: int
    value: str | None = None
    deleted: bool = False


class DefinedField(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """A field of a form. `type`: its name in API v3, if v3 has the type.

    `position`: its place in the form, depth first, from 1. `in_rows`: it is in the rows of a table. `multiple`: a value
    may have several items. `has_default`: the form fills it in a new task. `is_conditional`: it, or what it is in, is
    only shown under a condition.
    """

    id: int
    type: str | None
    name: str | None
    position: int
    in_rows: bool
    parent_id: int | None = None
    code: str | None = None
    catalog_id: int | None = None
    linked_form_id: int | None = None
    required_step: int | None = None
    immutable_step: int | None = None
    decimal_places: int | None = None
    currency: str | None = None
    multiple: bool | None = None
    has_default: bool = False
    is_conditional: bool = False
    choices: Sequence[Choice] = ()


class FormStep(msgspec.Struct, frozen=True, gc=False):
    """A step of the approval of a form's tasks, from 1."""

    no: int
    name: str | None = None


class Form(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """A form with its fields at any depth, each once. `folder`: names from the root; None if Pyrus gives none.

    `is_whole`: every value of its definition could be read.
    """

    id: int
    name: str | None = None
    deleted_or_closed: bool = False
    folder: Sequence[str] | None = None
    steps: Sequence[FormStep] = ()
    fields: Sequence[DefinedField] = ()
    is_whole: bool = True
