"""What API v4 serves: the directory of forms, catalogs and roles, and more about tasks, notes, persons and projects.

Revision 0009, after 0008.
"""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.types import TypeEngine

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

Column = sa.Column[object]


def _column(kind: TypeEngine[Any] | type[TypeEngine[Any]], name: str, comment: str, *, key: bool) -> Column:
    return sa.Column(name, kind, primary_key=key, nullable=not key, autoincrement=False, comment=comment)


def _bigint(name: str, comment: str, *, key: bool = False) -> Column:
    return _column(sa.BigInteger, name, comment, key=key)


def _integer(name: str, comment: str, *, key: bool = False) -> Column:
    return _column(sa.Integer, name, comment, key=key)


def _text(name: str, comment: str, *, key: bool = False) -> Column:
    return _column(sa.Text, name, comment, key=key)


def _texts(name: str, comment: str) -> Column:
    return _column(sa.ARRAY(sa.Text), name, comment, key=False)


def _day(name: str, comment: str) -> Column:
    return _column(sa.Date, name, comment, key=False)


def _time(name: str, comment: str, *, needed: bool = False) -> Column:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=not needed, comment=comment)


def _seconds(name: str, comment: str) -> Column:
    return _column(sa.Double, name, comment, key=False)


def _flag(name: str, comment: str, *, needed: bool = False) -> Column:
    """A needed flag has a constant default: PostgreSQL rewrites no row for it."""
    default = sa.text("false") if needed else None
    return sa.Column(name, sa.Boolean, server_default=default, nullable=not needed, comment=comment)


COLUMNS = {
    "tasks": (
        _text("subject", "Subject of the task, if it has one besides its text."),
        _flag("is_closed", "Whether the task is closed, also while the time of closing is not known.", needed=True),
        _bigint("current_step", "Number of the form's step that the task is at; see form_steps."),
        _time("due_at", "When the task is due, if it has a time of day."),
        _bigint("due_minutes", "How many minutes the task takes, up to the time when it is due."),
        _day("scheduled_date", "Day for which the task is scheduled."),
        _time("scheduled_at", "Time for which the task is scheduled."),
        _bigint("last_note_id", "Greatest id among the notes of the stored body; null if no note has an id."),
        _time(
            "detail_at", "When the full body was fetched; null while only a register row or a list's header is known."
        ),
    ),
    "task_sightings": (
        _bigint(
            "listed_note_id",
            "Id of the last note in the row of the register under which the task was listed; null outside registers.",
        ),
    ),
    "notes": (
        _text("subject", "The subject that the note gave the task."),
        _bigint("changed_step", "The step of the form to which the note moved the task."),
        _bigint("reset_to_step", "The earlier step to which the note returned the task."),
        _bigint("approval_step", "The step to which the author's decision belongs."),
        _time("due_at", "The due time that the note set, if it has a time of day."),
        _bigint("due_minutes", "How many minutes the task takes, as the note set it together with the due time."),
        _day("scheduled_date", "Day for which the note scheduled the task."),
        _time("scheduled_at", "Time for which the note scheduled the task."),
        _bigint("spent_minutes", "Minutes of work that the note reports."),
        _bigint("reply_note_id", "Id of the note that this one answers."),
        _bigint("edit_note_id", "Id of the note that this one edits."),
        _bigint("delete_note_id", "Id of the note that this one deletes."),
        _text("channel_type", "Channel through which the note came or went: email, telegram, sms, …"),
    ),
    "note_approvals": (
        _bigint("told_step", "Number of the step as API v4 gives it with the approver; null through API v3."),
    ),
    "attachments": (
        _bigint("version", "Version of the file, as API v4 counts it: 0 or 1 for the first; null through API v3."),
    ),
    "persons": (
        _text("person_type", "user, bot or role: a role can be an approver or a subscriber as persons can."),
        _text("external_id", "Id of the person in another system, which the organization has set."),
        _bigint("department_id", "Id of the person's department."),
        _text("department_name", "Name of the person's department."),
        _text("position", "Position in the organization."),
        _text("phone", "Telephone number."),
        _text("mobile_phone", "Mobile telephone number."),
        _flag("banned", "Whether the person is blocked."),
        _flag("fired", "Whether the person has left the organization."),
    ),
    "projects": (
        _text("kind", "list or form; null if API v4 has not listed the project."),
        _text("list_type", "Type of a list as served: private or org_wide."),
        _bigint(
            "version", "Version of the list itself: it changes when the list is renamed, not when its tasks change."
        ),
        _flag(
            "deleted",
            "Whether it was deleted: Pyrus says so, or no longer lists it; null if API v4 never listed it.",
        ),
    ),
    "form_fields": (
        _text("code", "Code of the field, by which scripts refer to it."),
        _integer(
            "position",
            "Position of the field in the definition of the form, depth first from 1; null if only values show it.",
        ),
        _bigint("catalog_id", "Id of the catalog from which the field takes its items."),
        _bigint("linked_form_id", "Id of the form whose tasks the field refers to."),
        _bigint("required_step", "Step from which the field must be filled."),
        _bigint("immutable_step", "Step from which the field can no longer be changed."),
        _bigint("decimal_places", "Number of decimal places that users see."),
        _text("currency", "Currency of the amounts."),
        _flag("multiple", "Whether the field may have several items; null if Pyrus does not say."),
        _time("removed_at", "When a run found that the form no longer has the field."),
    ),
    "sync_runs": (
        _seconds(
            "register_lag_seconds",
            "The most seconds by which the register of a form lagged behind the tasks; null if none was compared.",
        ),
    ),
}
TABLES = {
    "task_participants": (
        "Participants of a task without a form; from API v4.",
        [
            _bigint("task_id", "Id of the task.", key=True),
            _integer("participant_no", "Position of the participant in the task, from 1.", key=True),
            _bigint("person_id", "Id of the participant."),
        ],
    ),
    "task_subscribers": (
        "Subscribers of a task, who follow it; from API v4.",
        [
            _bigint("task_id", "Id of the task.", key=True),
            _integer("subscriber_no", "Position of the subscriber in the task, from 1.", key=True),
            _bigint("person_id", "Id of the subscriber."),
            _text("choice", "Waiting, Approved, Rejected, Revoked or Acknowledged; null if there is none."),
        ],
    ),
    "task_steps": (
        "Steps of a task's form, and how long the task has been in each; from API v4.",
        [
            _bigint("task_id", "Id of the task.", key=True),
            _integer("step_no", "Number of the form's step, as served; see form_steps.", key=True),
            _text("name", "Name of the step."),
            _bigint("elapsed_ms", "Milliseconds that the task has spent in the step."),
        ],
    ),
    "task_links": (
        "Links of a task to other tasks; from API v4.",
        [
            _bigint("task_id", "Id of the task.", key=True),
            _bigint(
                "linked_task_id", "Id of a task that this one is linked with; the account may not see it.", key=True
            ),
        ],
    ),
    "watched_tasks": (
        "Tasks that no list shows to the account: another task refers to them, or they were met once. Each is fetched once a day.",
        [
            _bigint("task_id", "Id of the task; it may not be in tasks.", key=True),
            _bigint(
                "account_id", "Id of the person that the connector logs in as, and who asks for the task.", key=True
            ),
            _time("asked_at", "When the account last asked for the task; null if it has not yet."),
        ],
    ),
    "note_persons": (
        "Persons whom a note added, removed, asked again or mentioned, except approvers; from API v4.",
        [
            _bigint("task_id", "Id of the task.", key=True),
            _integer("note_no", "Number of the note in the task, from 1.", key=True),
            _text(
                "change",
                "participant_added, participant_removed, subscriber_added, subscriber_removed, subscriber_rerequested or mentioned.",
                key=True,
            ),
            _integer("person_no", "Position of the person among those of the same change, from 1.", key=True),
            _bigint("person_id", "Id of the person."),
        ],
    ),
    "forms": (
        "Forms that API v4 lists, as last served.",
        [
            _bigint("form_id", "Id of the form; see tasks.form_id.", key=True),
            _text("name", "Name of the form."),
            _flag("deleted_or_closed", "Whether the form was deleted or closed, as Pyrus says."),
            _texts("folder", "Names of the folders that the form is in, from the root."),
            _time("seen_at", "When this row last changed: it moves only with the row.", needed=True),
            _time(
                "lost_at",
                "When the form left the list of forms, or its register was first refused; null while it can be read.",
            ),
        ],
    ),
    "form_steps": (
        "Steps of the route of each form, as last served by API v4.",
        [
            _bigint("form_id", "Id of the form.", key=True),
            _integer("step_no", "Number of the step, as served.", key=True),
            _text("name", "Name of the step."),
        ],
    ),
    "form_choices": (
        "Choices of the fields with a choice, as last served by API v4.",
        [
            _bigint("form_id", "Id of the form.", key=True),
            _bigint("field_id", "Id of the field in its form.", key=True),
            _bigint("choice_id", "Id of the choice in its field.", key=True),
            _text("value", "Name of the choice as users see it."),
            _flag("deleted", "Whether the choice was deleted: Pyrus says so, or the field no longer has it."),
        ],
    ),
    "catalogs": (
        "Catalogs that API v4 lists, as last served.",
        [
            _bigint("catalog_id", "Id of the catalog.", key=True),
            _text("name", "Name of the catalog."),
            _bigint("version", "Version of the catalog whose items are stored: it changes with the items."),
            _flag("deleted", "Whether the catalog was deleted: Pyrus says so, or no longer lists it."),
            _text("source_type", "Where the items come from, as served."),
            _bigint("external_version", "Version that the source of the items has set."),
        ],
    ),
    "catalog_columns": (
        "Columns of the catalogs, as last served.",
        [
            _bigint("catalog_id", "Id of the catalog.", key=True),
            _integer("column_no", "Position of the column, from 1; see catalog_items.values.", key=True),
            _text("name", "Name of the column."),
            _text("type", "Type of the column as served: text or workflow."),
        ],
    ),
    "catalog_items": (
        "Items of the catalogs, as last served.",
        [
            _bigint("catalog_id", "Id of the catalog.", key=True),
            _bigint("item_id", "Id of the item; see form_value_items.item_id.", key=True),
            _texts("values", "The item's text in each column, in the order of catalog_columns."),
            _bigint("external_id", "Id of the item in its source."),
            _flag("deleted", "Whether the item was deleted: Pyrus says so, or the catalog no longer has it."),
        ],
    ),
    "roles": (
        "Roles of the organization: groups of persons who approve, or get tasks, together.",
        [
            _bigint("role_id", "Id of the role; persons has it too, with person_type role.", key=True),
            _text("name", "Name of the role."),
            _flag("banned", "Whether the role is blocked."),
            _flag("fired", "Whether the role was deleted: Pyrus says so, or no longer lists it."),
        ],
    ),
    "role_members": (
        "Members of each role, as last served.",
        [
            _bigint("role_id", "Id of the role.", key=True),
            _bigint("person_id", "Id of a member.", key=True),
        ],
    ),
}
INDEXES = {
    "ix_form_fields_catalog_id": ("form_fields", ["catalog_id"]),
    "ix_task_participants_person_id": ("task_participants", ["person_id"]),
    "ix_task_subscribers_person_id": ("task_subscribers", ["person_id"]),
    "ix_task_links_linked_task_id": ("task_links", ["linked_task_id"]),
    "ix_note_persons_person_id": ("note_persons", ["person_id"]),
    "ix_role_members_person_id": ("role_members", ["person_id"]),
}

COMMENTS = {
    (
        "attachments",
        "note_no",
    ): "Number of the first note with the file; null if only the task itself or its form has it.",
    (
        "attachments",
        None,
    ): "One row per task and file: those attached to the task and its notes, and those in form values.",
    ("notes", "approval_choice"): "The author's decision as an approver: Approved, Rejected, Revoked or Acknowledged.",
    ("notes", "user_id"): "UserId of the note: the author's id again, if API v3 gives it.",
    (
        "projects",
        None,
    ): "Every project seen in a task, with its chain of parents; through API v4 also every list and form.",
    ("raw_tasks", "api"): "The API that served the body: v3 or v4.",
    (
        "tasks",
        "form_id",
    ): "Id of the form; null for tasks without a form. A form is also a project. API v4 gives it; API v3 does not, so there it is the root among the task's projects, unless form_overrides says otherwise.",
    ("approvals", "choice"): "Waiting, Approved, Rejected, Revoked or Acknowledged.",
    (
        "form_values",
        "value_text",
    ): "Text, Email, Phone, Note; the word of Checkmark, Flag, ActivityStatus; from API v4 also the names in Catalog, MultipleChoice and Project, and the subject of FormLink.",
    (
        "note_form_values",
        "value_text",
    ): "Text, Email, Phone, Note; the word of Checkmark, Flag, ActivityStatus; from API v4 also the names in Catalog, MultipleChoice and Project, and the subject of FormLink.",
    ("form_values", "value_timestamp"): "DueDateTime, ApprovalDate and CreationDate.",
    ("note_form_values", "value_timestamp"): "DueDateTime, ApprovalDate and CreationDate.",
    ("form_values", "value_project_id"): "Project: id of the project, or of the first of several.",
    ("note_form_values", "value_project_id"): "Project: id of the project, or of the first of several.",
    ("form_values", "value_catalog_item_id"): "Catalog: id of the item; null if there are several.",
    ("note_form_values", "value_catalog_item_id"): "Catalog: id of the item; null if there are several.",
    (
        "form_values",
        "value_json",
    ): "What the other columns cannot hold: Catalog's values and headers, Title's checkmark, Files, the rows of a Table, the duration of a due date, and the value of an unknown type.",
    (
        "note_form_values",
        "value_json",
    ): "What the other columns cannot hold: Catalog's values and headers, Title's checkmark, Files, the rows of a Table, the duration of a due date, and the value of an unknown type.",
    ("form_fields", "parent_field_id"): "Id of the table, section or choice field that contains this field.",
    (
        "form_fields",
        None,
    ): "Every field of a form: as API v4 defines it, or as values of tasks show it; merged, never deleted.",
}

OWNED = ("task_participants", "task_subscribers", "task_steps", "task_links", "note_persons")
"""Tables in which every row belongs to one task."""
DETAIL = """
    UPDATE pyrus.tasks AS task SET is_closed = close_date IS NOT NULL,
        detail_at = (SELECT fetched_at FROM pyrus.raw_tasks AS raw WHERE raw.task_id = task.task_id),
        last_note_id = (SELECT max(note_id) FROM pyrus.notes AS note WHERE note.task_id = task.task_id)
"""


def upgrade() -> None:
    """Fills what stored bodies give, so that no task is fetched or rebuilt."""
    for table, columns in COLUMNS.items():
        for column in columns:
            op.add_column(table, column, schema="pyrus")
    op.execute(DETAIL)
    for table, (comment, parts) in TABLES.items():
        _create(table, comment, parts)
    for index, (table, names) in INDEXES.items():
        op.create_index(index, table, names, schema="pyrus")
    without_detail = sa.text("detail_at IS NULL")
    op.create_index(
        "ix_tasks_without_detail", "tasks", ["modified_date"], schema="pyrus", postgresql_where=without_detail
    )
    for (table, name), comment in COMMENTS.items():
        if name:
            op.alter_column(table, name, comment=comment, schema="pyrus")
        else:
            op.create_table_comment(table, comment, schema="pyrus")


def downgrade() -> None:
    """Deletes bodies of API v4, which older versions cannot read, and the cursors: the next sync fetches the tasks again.

    Leaves the comments, which describe the older tables as well.
    """
    op.execute("DELETE FROM pyrus.sync_cursors WHERE EXISTS (SELECT FROM pyrus.raw_tasks WHERE api <> 'v3')")
    op.execute("DELETE FROM pyrus.raw_tasks WHERE api <> 'v3'")
    for table in reversed(TABLES):
        op.drop_table(table, schema="pyrus")
    for table, columns in COLUMNS.items():
        for column in columns:
            op.drop_column(table, column.name, schema="pyrus")


def _create(table: str, comment: str, columns: list[Column]) -> None:
    of_task = [*_owner(table), _synced_at()] if table in OWNED else []
    op.create_table(table, *columns, *of_task, schema="pyrus", comment=comment)


def _owner(table: str) -> list[sa.ForeignKeyConstraint]:
    name = op.f(f"fk_{table}_task_id")
    return [sa.ForeignKeyConstraint(["task_id"], ["pyrus.tasks.task_id"], name=name, ondelete="CASCADE")]


def _synced_at() -> Column:
    return sa.Column(
        "synced_at",
        sa.DateTime(timezone=True),
        nullable=False,
        server_default=sa.text("now()"),
        comment="When this row was written to this database.",
    )
