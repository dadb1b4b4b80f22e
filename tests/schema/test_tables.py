"""The declared tables, and those in the database, are the documented ones."""

import re
from typing import Any

import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Table

from pyrus_etl.reports.upgrade.alembic_context import migrations_folder
from pyrus_etl.reports.upgrade.migrate import differences, downgrade, upgrade
from pyrus_etl.schema import attachment, catalog, definition, form, metadata, note, person, project, raw, task
from pyrus_etl.schema.metadata import REVISION, written_columns
from pyrus_etl.schema.rows import MERGED, OWNED, OWNER
from pyrus_etl.settings import Secret
from tests.oracle import COLUMNS
from tests.typing import Query

RUN_COLUMNS = (
    "kind status started_at finished_at tasks_listed tasks_fetched tasks_changed tasks_unchanged tasks_deleted "
    "tasks_failed requests retries error files_listed files_stored files_skipped files_missing files_denied "
    "files_corrupt files_failed bytes"
)
SERVICE_FILE = (
    "name size_bytes media_type description project_id task_id discussion_id comment_id author_id created_at "
    "updated_at download_url payload seen_at deleted_at"
)
CONTRACT = {
    **COLUMNS,
    "attachment_contents": (
        "task_id attachment_id",
        "status stored_uri stored_at size_bytes sha256 media_type error attempts",
    ),
    "raw_tasks": ("task_id", "payload payload_sha256 fetched_at"),
    "task_sightings": ("task_id account_id", "listed_date seen_at is_reader"),
    "inbox_tasks": ("account_id task_id", "position seen_at"),
    "sync_runs": ("run_id", RUN_COLUMNS),
    "accounts": ("account_id", "name login api last_exit next_at organization_id"),
    "task_claims": ("task_id", "account_id run_id expires_at"),
    "sync_cursors": ("account_id stream", "cursor updated_at"),
    "task_participants": ("task_id participant_no", "person_id"),
    "task_subscribers": ("task_id subscriber_no", "person_id choice"),
    "task_steps": ("task_id step_no", "name elapsed_ms"),
    "task_links": ("task_id linked_task_id", ""),
    "note_persons": ("task_id note_no change person_no", "person_id"),
    "forms": ("form_id", "name deleted_or_closed folder seen_at lost_at"),
    "form_steps": ("form_id step_no", "name"),
    "form_choices": ("form_id field_id choice_id", "value deleted"),
    "catalogs": ("catalog_id", "name version deleted source_type external_version"),
    "catalog_columns": ("catalog_id column_no", "name type"),
    "catalog_items": ("catalog_id item_id", "values external_id deleted"),
    "roles": ("role_id", "name banned fired"),
    "role_members": ("role_id person_id", ""),
    "watched_tasks": ("task_id account_id", "asked_at"),
    "service_files": ("service file_id", SERVICE_FILE),
    "external_tasks": ("task_id service", "external_task_id"),
    "outbox": (
        "outbox_id",
        "action task_id body status attempts created_at created_by account not_before sent_at answer error",
    ),
    "file_copies": ("task_id attachment_id service", "external_file_id status attempts copied_at error"),
    "service_file_contents": (
        "service file_id",
        "status stored_uri stored_at size_bytes sha256 media_type error attempts",
    ),
}
OF_API_V4 = {
    "tasks": "subject is_closed current_step due_at due_minutes scheduled_date scheduled_at last_note_id detail_at",
    "notes": "subject changed_step reset_to_step approval_step due_at due_minutes scheduled_date scheduled_at "
    "spent_minutes reply_note_id edit_note_id delete_note_id channel_type",
    "note_approvals": "told_step",
    "attachments": "version",
    "form_fields": "code parent_field_id position catalog_id linked_form_id required_step immutable_step "
    "decimal_places currency multiple has_default is_conditional removed_at",
    "persons": "person_type external_id department_id department_name position phone mobile_phone banned fired",
    "projects": "kind list_type version deleted",
    "sync_runs": "register_lag_seconds search_works",
    "task_sightings": "listed_note_id",
}
"""Columns that API v4 adds to tables of API v3."""
OF_A_TASK = (
    *("task_projects", "notes", "note_projects", "approvals", "note_approvals", "form_values", "note_form_values"),
    "form_value_items",
    *("attachments", "attachment_contents", "file_copies", "raw_tasks", "task_sightings"),
    *("task_participants", "task_subscribers", "task_steps", "task_links", "note_persons"),
)
OUR_OWN = ("pyrus.report_columns", "pyrus.report_catalog_columns")
ROWS: list[tuple[Table, Any]] = [
    (task.tasks, task.TaskRow),
    (task.task_projects, task.TaskProjectRow),
    (task.approvals, task.ApprovalRow),
    (note.notes, note.NoteRow),
    (note.note_projects, note.NoteProjectRow),
    (note.note_approvals, note.NoteApprovalRow),
    (attachment.attachments, attachment.AttachmentRow),
    (person.persons, person.PersonRow),
    (person.organizations, person.OrganizationRow),
    (project.projects, project.ProjectRow),
    (raw.raw_tasks, raw.RawTaskRow),
    (form.form_value_items, form.FormValueItemRow),
    (task.task_participants, task.TaskParticipantRow),
    (task.task_subscribers, task.TaskSubscriberRow),
    (task.task_steps, task.TaskStepRow),
    (task.task_links, task.TaskLinkRow),
    (note.note_persons, note.NotePersonRow),
    (definition.form_steps, definition.FormStepRow),
    (definition.form_fields, definition.FormFieldRow),
    (definition.form_choices, definition.FormChoiceRow),
    (catalog.catalog_columns, catalog.CatalogColumnRow),
    (catalog.catalog_items, catalog.CatalogItemRow),
    (person.roles, person.RoleRow),
    (person.role_members, person.RoleMemberRow),
]
PRIMARY_KEYS = """
    SELECT relation.relname, string_agg(attname, ' ' ORDER BY array_position(conkey, attnum))
    FROM pg_constraint JOIN pg_class AS relation ON relation.oid = conrelid
    JOIN pg_attribute ON attrelid = conrelid AND attnum = ANY (conkey)
    WHERE contype = 'p' AND connamespace = 'pyrus'::regnamespace GROUP BY 1
"""
COLUMN_TYPES = """
    SELECT table_name, column_name, data_type, coalesce(column_default, '') || is_identity
    FROM information_schema.columns
    WHERE table_schema = 'pyrus' AND table_name <> 'alembic_version'
"""
WITHOUT_COMMENT = """
    SELECT relation.relname, attname FROM pg_class AS relation
    LEFT JOIN pg_attribute ON attrelid = relation.oid AND attnum > 0 AND NOT attisdropped
    WHERE relnamespace = 'pyrus'::regnamespace AND relkind IN ('r', 'p', 'v', 'm') AND relname <> 'alembic_version'
      AND (coalesce(obj_description(relation.oid), '') = '' OR coalesce(col_description(relation.oid, attnum), '') = '')
"""
ONLY_COMMENTS = ("0007",)
"""Migrations that only change comments; a downgrade leaves these."""
FOREIGN_KEYS = """
    SELECT conrelid::regclass::text, pg_get_constraintdef(oid) FROM pg_constraint
    WHERE contype = 'f' AND connamespace = 'pyrus'::regnamespace
"""


def test_tables_have_the_keys_of_the_contract(each_database: Secret, query: Query) -> None:
    keys = dict(query(each_database, PRIMARY_KEYS))

    assert {table: set(keys[table].split()) for table in CONTRACT} == {
        table: set(key.split()) for table, (key, _) in CONTRACT.items()
    }


def test_tables_have_the_columns_of_the_contract(each_database: Secret, query: Query) -> None:
    there = {(table, column) for table, column, _, _ in query(each_database, COLUMN_TYPES)}
    called_for = {(table, name) for table, names in CONTRACT.items() for name in " ".join(names).split()}
    called_for |= {(table, name) for table, names in OF_API_V4.items() for name in names.split()}
    set_aside = "task_id account_id stream stage error payload first_seen_at last_seen_at attempts resolved_at"

    assert called_for - there == set()
    assert {("sync_errors", name) for name in set_aside.split()} - there == set()


def test_every_table_and_column_has_a_comment(each_database: Secret, query: Query) -> None:
    assert query(each_database, WITHOUT_COMMENT) == []


def test_the_key_of_every_table_about_a_task_begins_with_its_id(database: Secret, query: Query) -> None:
    """Then the schema can be distributed by it."""
    keys = dict(query(database, PRIMARY_KEYS))

    assert [table for table in ("tasks", *OF_A_TASK) if keys[table].split()[0] != "task_id"] == []


def test_children_are_deleted_with_their_task_and_no_other_key_is_foreign(database: Secret, query: Query) -> None:
    """Persons, projects and parents may be unknown. Tables of reports and runs refer only to our own rows."""
    cascade = "FOREIGN KEY (task_id) REFERENCES pyrus.tasks(task_id) ON DELETE CASCADE"

    keys = {table: key for table, key in query(database, FOREIGN_KEYS) if table not in OUR_OWN}
    assert keys == {f"pyrus.{table}": cascade for table in OF_A_TASK}


def test_types_are_those_of_the_contract(database: Secret, query: Query) -> None:
    types = {(table, column): kind for table, column, kind, _ in query(database, COLUMN_TYPES)}
    no_ids_of_pyrus = "run_id", "alert_id", "outbox_id", "external_id", "external_file_id"
    ids = {
        (table, column): kind
        for (table, column), kind in types.items()
        if column.endswith("_id") and column not in no_ids_of_pyrus and not table.startswith("service_")
    }
    times = {place: kind for place, kind in types.items() if re.search(r"_at$|(create|modified|close)_date$", place[1])}
    ordinals = {place: kind for place, kind in types.items() if place[1].endswith("_no")}

    assert set(ids.values()) == {"bigint"}
    assert {kind for (table, column), kind in types.items() if table == "service_files" and column.endswith("_id")} == {
        "text"
    }
    assert set(times.values()) == {"timestamp with time zone"}
    assert set(ordinals.values()) == {"integer"}
    assert "timestamp without time zone" not in types.values()
    for table in ("form_values", "note_form_values"):
        assert {name.removeprefix("value_"): types[table, name] for name in COLUMNS[table][1].split()[5:]} == {
            "text": "text",
            "number": "numeric",
            "date": "date",
            "timestamp": "timestamp with time zone",
            "time": "time without time zone",
            "bool": "boolean",
            "person_id": "bigint",
            "project_id": "bigint",
            "catalog_item_id": "bigint",
            "json": "jsonb",
        }


def test_amounts_are_unconstrained(database: Secret, query: Query) -> None:
    """numeric(p, s) would round."""
    constrained = """
        SELECT table_name, column_name FROM information_schema.columns
        WHERE table_schema = 'pyrus' AND (numeric_scale > 0 OR character_maximum_length IS NOT NULL
                                          OR (data_type = 'numeric' AND numeric_precision IS NOT NULL))
          AND table_name <> 'alembic_version'
    """

    assert query(database, constrained) == []


def test_keys_are_natural(database: Secret, query: Query) -> None:
    """No serials, no identities."""
    assert [row for row in query(database, COLUMN_TYPES) if "nextval" in row[3] or row[3].endswith("YES")] == []


@pytest.mark.parametrize(("table", "row"), ROWS, ids=[table.name for table, _ in ROWS])
def test_a_row_has_the_columns_of_its_table_in_their_order(table: Table, row: Any) -> None:
    assert list(row._fields) == written_columns(table)


def test_the_rows_of_form_values_are_their_key_the_field_and_the_value() -> None:
    columns = [*form.Field._fields, *form.Value._fields]

    assert written_columns(form.form_values) == ["task_id", *columns]
    assert written_columns(form.note_form_values) == ["task_id", "note_no", *columns]


def test_every_table_of_a_task_is_replaced_with_it_except_our_own() -> None:
    assert {table.name for table in OWNED} == set(OF_A_TASK) - {"attachment_contents", "file_copies", "task_sightings"}
    assert {table.name for table in MERGED} == {"persons", "organizations", "projects", "form_fields"}
    assert OWNER.name == "tasks"


def test_declared_and_migrated_tables_do_not_differ(each_database: Secret, query: Query) -> None:
    assert differences(each_database) == []

    query(each_database, "ALTER TABLE pyrus.sync_backfills DROP COLUMN started_at")
    query(each_database, "COMMENT ON COLUMN pyrus.tasks.text IS 'another'")
    query(each_database, "CREATE TABLE pyrus.stray (id int)")
    assert len(differences(each_database)) == 3


def test_tables_of_others_are_not_a_difference(database: Secret, query: Query) -> None:
    query(database, "CREATE SCHEMA others")
    query(database, "CREATE TABLE others.tasks (id int)")
    query(database, "CREATE TABLE public.notes (id int)")

    assert differences(database) == []


def test_the_schema_can_be_downgraded_to_nothing_and_upgraded_again(each_database: Secret, query: Query) -> None:
    tables = "SELECT table_name FROM information_schema.tables WHERE table_schema = 'pyrus' ORDER BY 1"
    before = query(each_database, tables)

    downgrade(each_database, "base")
    assert [name for (name,) in query(each_database, tables) if name != "alembic_version"] == []

    upgrade(each_database)
    assert query(each_database, tables) == before
    assert differences(each_database) == []


def test_an_upgrade_may_be_repeated(database: Secret) -> None:
    upgrade(database)
    upgrade(database)

    assert differences(database) == []


def test_the_expected_revision_is_the_last_one() -> None:
    config = Config()
    config.set_main_option("script_location", str(migrations_folder()))

    assert ScriptDirectory.from_config(config).get_heads() == [REVISION]


def test_migrations_are_numbered_in_their_order() -> None:
    config = Config()
    config.set_main_option("script_location", str(migrations_folder()))
    scripts = reversed(list(ScriptDirectory.from_config(config).walk_revisions()))

    assert [script.revision for script in scripts] == [f"{number:04}" for number in range(1, int(REVISION) + 1)]


def test_each_migration_can_be_reverted(database: Secret, query: Query) -> None:
    columns = "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = 'pyrus'"
    for number in reversed(range(int(REVISION))):
        before = set(query(database, columns))
        downgrade(database, f"{number:04}" if number else "base")

        assert query(database, "SELECT max(version_num)::int FROM pyrus.alembic_version") == [(number or None,)]
        if f"{number + 1:04}" not in ONLY_COMMENTS:
            assert set(query(database, columns)) != before, f"what {number + 1:04} made is still there"


def test_all_declared_tables_are_in_one_schema() -> None:
    assert {table.schema for table in metadata.tables.values()} == {"pyrus"}
