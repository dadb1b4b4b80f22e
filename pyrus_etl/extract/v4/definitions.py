"""Form definitions as served → the model: fields in one sequence, depth first."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec

from pyrus_etl.client.decode import decode
from pyrus_etl.extract.v4.wire import directory as wire
from pyrus_etl.extract.v4.wire.words import field_type
from pyrus_etl.model.definition import Choice, DefinedField, Form, FormStep


def forms_of(served: Sequence[msgspec.Raw] | None) -> tuple[list[Form], int]:
    """The forms, each read for itself, and the number of values outside any form, or of forms, that are unreadable."""
    forms, unreadable = [], 0
    for each in served or ():
        if bytes(each) == b"null":
            continue
        try:
            form, damaged = decode(bytes(each), wire.Form, no_custom_types)
        except msgspec.DecodeError:
            unreadable += 1
            continue
        if form.id is None:
            unreadable += damaged
        else:
            forms.append(_form(form.id, form, is_whole=not damaged))
    return forms, unreadable


def no_custom_types(kind: type, value: Any) -> Any:
    """For `decode`: what is served here has only types of JSON."""
    raise NotImplementedError(f"{kind.__name__} is not a type of the directory")


def _form(form_id: int, served: wire.Form, *, is_whole: bool) -> Form:
    return Form(
        id=form_id,
        name=served.name,
        deleted_or_closed=bool(served.deleted_or_closed),
        folder=None if served.folder is None else [name for each in served.folder if (name := _folder_name(each))],
        steps=list(_steps(served.steps or {})),
        fields=list(fields_of(served.fields)),
        is_whole=is_whole,
    )


def fields_of(served: Sequence[wire.Field | None] | None) -> Iterator[DefinedField]:
    """Every field at any depth that has an id: a field, then those in it. Only the first one of an id counts."""
    seen = set[int]()
    for position, place in enumerate(_depth_first(served, in_rows=False), start=1):
        if (field_id := place.field.id) is not None and field_id not in seen:
            seen.add(field_id)
            yield _defined(field_id, position, place)


class _Place(NamedTuple):
    """A field, and the field that it is in."""

    field: wire.Field
    inside: int | None
    in_rows: bool
    is_conditional: bool


def _depth_first(
    served: Sequence[wire.Field | None] | None,
    inside: int | None = None,
    *,
    in_rows: bool,
    is_conditional: bool = False,
) -> Iterator[_Place]:
    for field in served or ():
        if field is None:
            continue
        info = field.info or wire.Info()
        hides = is_conditional or bool(field.visibility_condition or info.visibility_condition)
        yield _Place(field, inside, in_rows, hides)
        yield from _depth_first(info.fields, field.id, in_rows=in_rows, is_conditional=hides)
        yield from _depth_first(info.columns, field.id, in_rows=True, is_conditional=hides)
        for option in info.options or ():
            if option is not None:
                yield from _depth_first(option.fields, field.id, in_rows=in_rows, is_conditional=True)


def _defined(field_id: int, position: int, place: _Place) -> DefinedField:
    field, info = place.field, place.field.info or wire.Info()
    return DefinedField(
        id=field_id,
        type=field_type(field.type),
        name=field.name,
        position=position,
        in_rows=place.in_rows,
        parent_id=place.inside if field.parent_id is None else field.parent_id,
        code=info.code or field.code,
        catalog_id=info.catalog_id,
        linked_form_id=info.form_id,
        required_step=info.required_step,
        immutable_step=info.immutable_step,
        decimal_places=info.decimal_places,
        currency=None if info.currency is None else str(info.currency),
        multiple=info.multiple_choice,
        has_default=any(each not in (None, "", [], {}) for each in (field.default_value, info.default_value)),
        is_conditional=place.is_conditional,
        choices=list(_choices(info.options)),
    )


def _choices(options: Sequence[wire.Option | None] | None) -> Iterator[Choice]:
    seen = set[int]()
    for option in options or ():
        if option is not None and option.choice_id is not None and option.choice_id not in seen:
            seen.add(option.choice_id)
            yield Choice(option.choice_id, option.choice_value, bool(option.deleted))


def _steps(served: Mapping[str, Any]) -> Iterator[FormStep]:
    """Steps by number, each once; an entry whose key is not a number that fits is left out."""
    names = {int(key): name for key, name in served.items() if key.isascii() and key.isdigit() and len(key) < 10}
    for number, name in names.items():
        yield FormStep(number, name if isinstance(name, str) else None)


def _folder_name(each: Any) -> str | None:
    """The name of a folder: the cloud serves objects with a name, servers of companies serve texts."""
    name = each.get("name") if isinstance(each, dict) else each
    return name if isinstance(name, str) else None
