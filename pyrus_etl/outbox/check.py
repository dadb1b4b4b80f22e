"""A write, checked against what the database knows; Pyrus may know better, but it never hears what is surely wrong."""

from collections.abc import Iterator, Sequence

import msgspec

from pyrus_etl.model.known import Known, KnownField, KnownForm
from pyrus_etl.model.write import COMMENT, FORM_TASK, OF_FILES, NewFieldValue, NewValue, TypedValue, Write
from pyrus_etl.outbox.values import READ_ONLY, READERS, items

OF_PERSONS = (
    "participant_ids",
    "removed_participant_ids",
    "subscriber_ids",
    "removed_subscriber_ids",
    "rerequested_subscriber_ids",
)
FIRST_STEP = 1
"""A field that is required from this step must be filled when the task is made."""
FILLED_BY_PYRUS = {*READ_ONLY, "Assignee", "DueDate", "DueDateTime", "Table"}
"""Types that a new task need not give, even if they are required."""


def checked(write: Write, known: Known) -> tuple[Write, tuple[str, ...]]:
    """The write with its form values by type, and the problems that the database shows, each as a sentence."""
    problems = list(_persons(write, known))
    values: list[TypedValue] = []
    if write.form_id is not None and known.form_ids is not None and write.form_id not in known.form_ids:
        problems.append(f"form {write.form_id} does not exist, or this account does not see it")
        return write, tuple(problems)
    form = _form_of(write, known)
    if write.form_values and form is None:
        problems += [_no_form(write, known)] if write.action == COMMENT else []
    elif form is not None:
        for given in write.form_values or ():
            try:
                values.append(_value(given, form, known))
            except ValueError as error:
                problems.append(str(error))
        if write.action == FORM_TASK and form.is_defined:
            problems += _missing(write, form)
    return msgspec.structs.replace(write, values=tuple(values)), tuple(problems)


def _form_of(write: Write, known: Known) -> KnownForm | None:
    form_id = known.tasks.get(write.task_id or 0) if write.action == COMMENT else write.form_id
    if form_id is None:
        return None
    return known.forms.get(form_id) or KnownForm(form_id, is_defined=False, fields={}, choices={})


def _no_form(write: Write, known: Known) -> str:
    if write.task_id in known.tasks:
        return f"task {write.task_id} has no form, so it has no form_values"
    return f"task {write.task_id} is not stored, so its form is unknown; run pyrus-etl sync first"


def _persons(write: Write, known: Known) -> Iterator[str]:
    if known.persons is None:
        return
    steps = (write.approvals, write.removed_approvals, write.rerequested_approvals)
    named = [each for step in steps for persons in step or () for each in persons]
    named += [each for name in OF_PERSONS for each in getattr(write, name) or ()]
    named += [write.responsible_id] if write.responsible_id is not None else []
    for person_id in dict.fromkeys(named):
        if person_id not in known.persons:
            yield f"person {person_id} is unknown; if they are new, run pyrus-etl sync"


def _value(given: NewValue, form: KnownForm, known: Known) -> TypedValue:
    """Raises ValueError with a sentence."""
    field = form.fields.get(given.field_id)
    if field is None or field.is_removed:
        if form.is_defined or not given.type:
            raise ValueError(_unknown_field(given.field_id, form))
        field = KnownField(given.field_id, given.type, None, in_rows=given.row_id is not None)
    if field.in_rows and given.row_id is None:
        raise ValueError(f"{field} is in a table, so it needs a row_id")
    if given.row_id is not None and not (field.in_rows or field.type == "Table"):
        raise ValueError(f"{field} is not in a table, so it has no row_id")
    table_id = field.parent_id if field.in_rows else None
    return TypedValue(
        field_id=given.field_id,
        type=field.type or "Unknown",
        value=_fitting(given, field, form, known),
        row_id=given.row_id,
        table_id=table_id,
    )


def _unknown_field(field_id: int, form: KnownForm) -> str:
    if form.is_defined:
        return f"form {form.form_id} has no field {field_id}"
    return (
        f"no stored task of form {form.form_id} has a value in field {field_id}, so its type is unknown; "
        'add it to the value, such as "type": "Text"'
    )


def _fitting(given: NewValue, field: KnownField, form: KnownForm, known: Known) -> NewFieldValue:
    try:
        return _read(given, field, form, known)
    except ValueError as error:
        shown = repr(given.value)
        raise ValueError(f"{field}, {field.type}, cannot be {shown[:60]}: {error}") from error


def _read(given: NewValue, field: KnownField, form: KnownForm, known: Known) -> NewFieldValue:
    if field.type in READ_ONLY:
        raise ValueError("nobody can write this type of field")
    if given.value is None and (field.type != "Table" or given.row_id is not None):
        return None
    match field.type:
        case "Table":
            raise ValueError("give values of the fields in its rows instead, each with its row_id")
        case "MultipleChoice":
            found: NewFieldValue = items(given.value, form.choices.get(field.field_id, {}), "choice")
        case "Catalog" if (items_known := known.catalogs.get(field.catalog_id or 0)) is not None:
            found = items(given.value, items_known, "catalog item")
        case "Catalog":
            found = READERS["FormLink"](given.value)
        case _:
            found = _plain(given.value, field)
    if field.multiple is False and isinstance(found, tuple) and found[1:] and field.type not in OF_FILES:
        raise ValueError("the field takes one item")
    persons = known.persons if field.type in ("Person", "Assignee") else None
    if persons is not None and isinstance(found, tuple) and found[0] not in persons:
        raise ValueError("the person is unknown; if they are new, run pyrus-etl sync")
    return found


def _plain(value: object, field: KnownField) -> NewFieldValue:
    if (reader := READERS.get(field.type or "")) is None:
        raise ValueError("this type of field cannot be written")
    return reader(value)


def _missing(write: Write, form: KnownForm) -> Sequence[str]:
    """The fields that a new task must fill: those outside of tables that are always shown and have no default.

    Of a field that may be hidden or have a default, Pyrus decides.
    """
    given = {each.field_id for each in write.form_values or () if each.value not in (None, "", [])}
    always = {field.field_id for field in form.fields.values() if field.type == "Title"} | {None}
    return [
        f"{field} is required and missing"
        for field in form.fields.values()
        if field.required_step is not None
        and field.required_step <= FIRST_STEP
        and not (field.is_removed or field.in_rows or field.type in FILLED_BY_PYRUS)
        and field.parent_id in always
        and field.is_conditional is False
        and (field.has_default is False or write.fill_defaults is False)
        and field.field_id not in given
    ]
