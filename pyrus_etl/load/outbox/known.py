"""What writes refer to: forms with their fields, tasks, people, catalogs. Only reads."""

from collections import defaultdict
from collections.abc import Collection, Mapping

from pyrus_etl.model.known import Known, KnownField, KnownForm
from pyrus_etl.postgres.connection import Connection


def known(connection: Connection, task_ids: Collection[int], form_ids: Collection[int]) -> Known:
    """What is stored of these tasks and forms, and of the forms of the tasks, with the catalogs of their fields."""
    tasks: dict[int, int | None] = dict(
        connection.execute(
            "SELECT task_id, form_id FROM pyrus.tasks WHERE task_id = ANY(%s)", [sorted(task_ids)]
        ).fetchall()
    )
    forms = _forms(connection, sorted({*form_ids, *filter(None, tasks.values())}))
    catalogs = {field.catalog_id for form in forms.values() for field in form.fields.values() if field.catalog_id}
    return Known(forms, tasks, _persons(connection), _form_ids(connection), _catalogs(connection, sorted(catalogs)))


def _forms(connection: Connection, form_ids: list[int]) -> dict[int, KnownForm]:
    fields: dict[int, dict[int, KnownField]] = defaultdict(dict)
    defined: set[int] = set()
    rows = connection.execute(
        """
        SELECT form_id, field_id, field_type, field_name, parent_field_id, in_rows, catalog_id, required_step, multiple,
               has_default, is_conditional, removed_at IS NOT NULL, position IS NOT NULL
        FROM pyrus.form_fields WHERE form_id = ANY(%s) ORDER BY form_id, position, field_id
        """,
        [form_ids],
    )
    for form_id, field_id, *rest, is_defined in rows:
        fields[form_id][field_id] = KnownField(field_id, *rest)
        defined |= {form_id} if is_defined else set()
    choices = _choices(connection, form_ids)
    return {form_id: KnownForm(form_id, form_id in defined, fields[form_id], choices[form_id]) for form_id in form_ids}


def _choices(connection: Connection, form_ids: list[int]) -> Mapping[int, dict[int, dict[int, str | None]]]:
    found: dict[int, dict[int, dict[int, str | None]]] = defaultdict(lambda: defaultdict(dict))
    query = """
        SELECT form_id, field_id, choice_id, value FROM pyrus.form_choices
        WHERE form_id = ANY(%s) AND deleted IS NOT TRUE
    """
    for form_id, field_id, choice_id, value in connection.execute(query, [form_ids]):
        found[form_id][field_id][choice_id] = value
    return found


def _catalogs(connection: Connection, catalog_ids: list[int]) -> dict[int, dict[int, str | None]]:
    """The items of those catalogs whose items are stored."""
    query = "SELECT catalog_id FROM pyrus.catalogs WHERE catalog_id = ANY(%s) AND contents_version IS NOT NULL"
    found: dict[int, dict[int, str | None]] = {each: {} for (each,) in connection.execute(query, [catalog_ids])}
    query = """
        SELECT catalog_id, item_id, values[1] FROM pyrus.catalog_items
        WHERE catalog_id = ANY(%s) AND deleted IS NOT TRUE
    """
    for catalog_id, item_id, text in connection.execute(query, [list(found)]):
        found[catalog_id][item_id] = text
    return found


def _persons(connection: Connection) -> set[int] | None:
    """All persons and roles; None if the contacts were never read, which alone have an organization."""
    query = "SELECT person_id, organization_id FROM pyrus.persons"
    rows = connection.execute(query).fetchall()
    if not any(organization_id for _, organization_id in rows):
        return None
    roles = connection.execute("SELECT role_id FROM pyrus.roles").fetchall()
    return {person_id for person_id, _ in rows} | {role_id for (role_id,) in roles}


def _form_ids(connection: Connection) -> set[int] | None:
    """The forms that a new task can be of; None if the list of forms was never read."""
    rows = connection.execute("SELECT form_id, deleted_or_closed IS TRUE FROM pyrus.forms").fetchall()
    return {form_id for form_id, is_gone in rows if not is_gone} if rows else None
