"""Definitions of forms: their steps, fields and choices."""

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import ARRAY, Boolean, Column, Index, Integer, Table, Text

from pyrus_etl.schema.metadata import Timestamp, bigint, key, metadata, ordinal

forms = Table(
    "forms",
    metadata,
    key("form_id", "Id of the form; see tasks.form_id."),
    Column("name", Text, comment="Name of the form."),
    Column("deleted_or_closed", Boolean, comment="Whether the form was deleted or closed, as Pyrus says."),
    Column("folder", ARRAY(Text), comment="Names of the folders that the form is in, from the root."),
    Column("seen_at", Timestamp, nullable=False, comment="When this row last changed: it moves only with the row."),
    Column(
        "lost_at",
        Timestamp,
        comment="When the form left the list of forms, or its register was first refused; null while it can be read.",
    ),
    comment="Forms that API v4 lists, as last served.",
)


form_steps = Table(
    "form_steps",
    metadata,
    key("form_id", "Id of the form."),
    ordinal("step_no", "Number of the step, as served."),
    Column("name", Text, comment="Name of the step."),
    comment="Steps of the route of each form, as last served by API v4.",
)


class FormStepRow(NamedTuple):
    form_id: int
    step_no: int
    name: str | None


form_fields = Table(
    "form_fields",
    metadata,
    key("form_id", "Id of the form; see tasks.form_id."),
    key("field_id", "Id of the field in its form."),
    Column("field_type", Text, comment="Type of the field: Text, Decimal, Catalog, …"),
    Column("field_name", Text, comment="Name of the field as users see it."),
    bigint("parent_field_id", "Id of the table, section or choice field that contains this field."),
    Column(
        "in_rows",
        Boolean,
        nullable=False,
        comment="Whether the field is a column of a table field: its values have a row_id.",
    ),
    Column("code", Text, comment="Code of the field, by which scripts refer to it."),
    Column(
        "position",
        Integer,
        comment="Position of the field in the definition of the form, depth first from 1; null if only values show it.",
    ),
    bigint("catalog_id", "Id of the catalog from which the field takes its items."),
    bigint("linked_form_id", "Id of the form whose tasks the field refers to."),
    bigint("required_step", "Step from which the field must be filled."),
    bigint("immutable_step", "Step from which the field can no longer be changed."),
    bigint("decimal_places", "Number of decimal places that users see."),
    Column("currency", Text, comment="Currency of the amounts."),
    Column("multiple", Boolean, comment="Whether the field may have several items; null if Pyrus does not say."),
    Column(
        "has_default", Boolean, comment="Whether the form fills the field of a new task; null if Pyrus does not say."
    ),
    Column(
        "is_conditional",
        Boolean,
        comment="Whether it, its section or its choice is shown only under a condition; null if Pyrus does not say.",
    ),
    Column("removed_at", Timestamp, comment="When a run found that no account sees the field in the form any more."),
    Index(None, "catalog_id"),
    info={"settled_by": "position"},
    comment="Every field of a form: as API v4 defines it, or as values of tasks show it; merged, never deleted.",
)


class FormFieldRow(NamedTuple):
    form_id: int
    field_id: int
    field_type: str | None
    field_name: str | None
    parent_field_id: int | None
    in_rows: bool
    code: str | None = None
    position: int | None = None
    catalog_id: int | None = None
    linked_form_id: int | None = None
    required_step: int | None = None
    immutable_step: int | None = None
    decimal_places: int | None = None
    currency: str | None = None
    multiple: bool | None = None
    has_default: bool | None = None
    is_conditional: bool | None = None
    removed_at: datetime | None = None


form_choices = Table(
    "form_choices",
    metadata,
    key("form_id", "Id of the form."),
    key("field_id", "Id of the field in its form."),
    key("choice_id", "Id of the choice in its field."),
    Column("value", Text, comment="Name of the choice as users see it."),
    Column("deleted", Boolean, comment="Whether the choice was deleted: Pyrus says so, or the field no longer has it."),
    comment="Choices of the fields with a choice, as last served by API v4.",
)


class FormChoiceRow(NamedTuple):
    form_id: int
    field_id: int
    choice_id: int
    value: str | None
    deleted: bool | None
