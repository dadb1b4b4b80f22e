"""What the database knows about forms, people and tasks, as far as writes refer to it."""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from typing import NamedTuple


class KnownField(NamedTuple):
    """A field of a form. `required_step`: the step from which it must be filled.

    `has_default`: a new task gets a value without giving one. `is_conditional`: it is not always shown.
    """

    field_id: int
    type: str | None
    name: str | None
    parent_id: int | None = None
    in_rows: bool = False
    catalog_id: int | None = None
    required_step: int | None = None
    multiple: bool | None = None
    has_default: bool | None = None
    is_conditional: bool | None = None
    is_removed: bool = False

    def __str__(self) -> str:
        return f"field {self.field_id} ({self.name})" if self.name else f"field {self.field_id}"


class KnownForm(NamedTuple):
    """A form. `is_defined`: its fields come from its definition; else those are missing that no stored task fills.

    `choices`: by field, the name of each choice that can be made.
    """

    form_id: int
    is_defined: bool
    fields: Mapping[int, KnownField]
    choices: Mapping[int, Mapping[int, str | None]]


class Known(NamedTuple):
    """What is stored. `tasks`: the form of each stored task, None for a simple one.

    `persons`, `form_ids`: None if the database does not have all of them. `catalogs`: the first text of each item.
    """

    forms: Mapping[int, KnownForm]
    tasks: Mapping[int, int | None]
    persons: AbstractSet[int] | None = None
    form_ids: AbstractSet[int] | None = None
    catalogs: Mapping[int, Mapping[int, str | None]] = {}
