"""Form definitions → rows."""

from collections.abc import Iterator, Sequence

from pyrus_etl.model.definition import Form
from pyrus_etl.model.listing import Listing
from pyrus_etl.model.stream import FORMS
from pyrus_etl.schema.definition import (
    FormChoiceRow,
    FormFieldRow,
    FormStepRow,
    form_choices,
    form_fields,
    form_steps,
    forms,
)
from pyrus_etl.schema.project import projects
from pyrus_etl.schema.snapshot import Part, Snapshot, whole_rows

_FORM = ("form_id", "name", "deleted_or_closed", "folder")
_PROJECT = ("project_id", "name", "kind", "deleted")


def forms_snapshot(listing: Listing[Form]) -> Snapshot:
    """All forms that the account sees, with their steps, fields and choices. A form is a project too."""
    given = listing.things
    return Snapshot(
        FORMS,
        ids={form.id for form in given},
        is_whole=listing.is_whole,
        parts=(
            Part(forms, _FORM, [(form.id, form.name, form.deleted_or_closed, _list(form.folder)) for form in given]),
            Part(projects, _PROJECT, [(form.id, form.name, "form", form.deleted_or_closed) for form in given]),
            whole_rows(form_steps, [FormStepRow(form.id, step.no, step.name) for form in given for step in form.steps]),
            whole_rows(form_fields, [row for form in given for row in _field_rows(form)]),
            whole_rows(form_choices, [row for form in given for row in _choice_rows(form)]),
        ),
        owners=[form.id for form in given if form.is_whole],
    )


def _field_rows(form: Form) -> Iterator[FormFieldRow]:
    for field in form.fields:
        yield FormFieldRow(
            form_id=form.id,
            field_id=field.id,
            field_type=field.type,
            field_name=field.name,
            parent_field_id=field.parent_id,
            in_rows=field.in_rows,
            code=field.code,
            position=field.position,
            catalog_id=field.catalog_id,
            linked_form_id=field.linked_form_id,
            required_step=field.required_step,
            immutable_step=field.immutable_step,
            decimal_places=field.decimal_places,
            currency=field.currency,
            multiple=field.multiple,
            has_default=field.has_default,
            is_conditional=field.is_conditional,
        )


def _choice_rows(form: Form) -> Iterator[FormChoiceRow]:
    for field in form.fields:
        for choice in field.choices:
            yield FormChoiceRow(form.id, field.id, choice.id, choice.value, choice.deleted)


def _list(names: Sequence[str] | None) -> list[str] | None:
    return None if names is None else list(names)
