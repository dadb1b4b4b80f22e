"""Form values → rows."""

from collections.abc import Iterator, Sequence
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

from pyrus_etl.model.form import FormValue
from pyrus_etl.model.person import Person
from pyrus_etl.model.project import Project
from pyrus_etl.model.value import CatalogChoice, FieldValue, Flag, Other
from pyrus_etl.normalize.person import add_person
from pyrus_etl.normalize.project import add_project
from pyrus_etl.schema.form import Field, FormFieldRow, Value, form_fields
from pyrus_etl.schema.rows import Rows


def form_values(
    rows: Rows, values: Sequence[FormValue | None] | None, form_id: int | None = None
) -> Iterator[tuple[Any, ...]]:
    """The columns of each value, to be put behind the owner's key. If the form is known, its fields are merged."""
    for value_no, value in enumerate(values or [], start=1):
        if value is None:
            continue
        field = value.field
        rows.unreadable += value.unreadable
        if form_id is not None and field.id is not None:
            in_rows = value.row_id is not None
            rows.merge(form_fields, FormFieldRow(form_id, field.id, field.type, field.name, field.parent_id, in_rows))
        columns = Field(value_no, field.id, value.row_id, field.type, field.name, field.parent_id)
        yield (*columns, *_columns(rows, value.value))


def _columns(rows: Rows, value: FieldValue | None) -> Value:
    """The column that holds a value of this kind; a person or project is merged, and referred to by its id."""
    match value:
        case None:
            return _EMPTY
        case str():
            return Value(value_text=value)
        case Decimal():
            return Value(value_number=value)
        case datetime():  # before the day, of which it is a subclass
            return Value(value_timestamp=value)
        case date():
            return Value(value_date=value)
        case time():
            return Value(value_time=value)
        case Flag():
            return Value(value_text=value.word, value_bool=value.is_set)
        case Person():
            return Value(value_person_id=add_person(rows, value))
        case Project():
            return Value(value_project_id=add_project(rows, value))
        case CatalogChoice():
            return Value(value_catalog_item_id=value.item_id, value_json=value.json)
        case Other():
            return Value(value_json=value.json)


_EMPTY = Value()
