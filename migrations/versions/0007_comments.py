"""The comments of tables and columns in plain English.

Revision 0007, after 0006.
"""

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

TABLES = {
    "form_fields": "Every field seen in a form, as last served; merged, never deleted.",
    "form_overrides": (
        "Rows that users insert if the form inferred for tasks is wrong; for stored tasks they take effect at the "
        "next pyrus-etl reports refresh."
    ),
    "inbox_tasks": "The inbox of each account as the last run saw it.",
    "organizations": "Organizations in the account's contacts.",
    "persons": (
        "Every person seen in a task or in the contacts, as last served; a value that is no longer served stays."
    ),
    "projects": "Every project seen in a task, with its chain of parents.",
    "report_settings": (
        "Settings of the reports; change them with an UPDATE, or the time zone with PYRUS_ETL_TIME_ZONE."
    ),
    "report_views": "The wide views of forms; a name stays even if the form is renamed.",
    "sync_cursors": "How far each account has been synced.",
    "sync_errors": "Tasks that could not be fetched, decoded or loaded. Every run tries each of them again.",
    "sync_leases": "The lock: at most one run per database and account.",
    "sync_runs": "One row per run, with the counts that --json reports.",
    "sync_windows": (
        "Time windows of the last backfill; one with too many tasks for one list is replaced by its two halves."
    ),
    "tasks": "One row per task (TaskWithNotes); its children are in the other tables under the same task_id.",
    "approvals": "Approvers of a task by step, with their decisions (TaskWithNotes.Approvals).",
    "attachment_contents": "State of the contents of attachments; filled by attachments download.",
    "attachments": "One row per task and file: Attachments of notes and Files of form values.",
    "form_value_items": (
        "One row per item in a value that refers to something: a catalog item, choice, task, file or project."
    ),
    "form_values": "One row per field of the task's form: the current values (TaskWithNotes.Form).",
    "note_approvals": "Approvers whom a note added, removed or asked again.",
    "note_form_values": "One row per field that a note changed, with the value that it set (TaskNote.Form).",
    "note_projects": "Projects to which a note added the task, or from which it removed it.",
    "notes": "One row per note of a task, in the task's order (TaskWithNotes.Notes).",
    "raw_tasks": "The body of every task as served. An unchanged body is not written again.",
    "report_columns": "The columns of the wide views, in a fixed order: columns of new fields are added at the end.",
    "sync_requests": (
        "Requests of recent runs per second, kept for one quota period, because the next run counts them too."
    ),
    "task_projects": "Projects that a task is filed in now (TaskWithNotes.Projects).",
}

COLUMNS = {
    "form_fields": {
        "form_id": "Id of the form; see tasks.form_id.",
        "field_name": "Name of the field as users see it.",
        "parent_field_id": "Id of the table or section field that contains this field.",
        "in_rows": "Whether the field is a column of a table field: its values have a row_id.",
    },
    "form_overrides": {
        "project_id": "Id of the project; the override applies to tasks in it and in the projects below it.",
        "form_id": "Id of the form of those tasks; null for no form. See tasks.form_id.",
    },
    "inbox_tasks": {
        "account_id": "Id of the person that the connector logs in as; the inbox is theirs.",
        "task_id": "Id of the task; it may be listed here shortly before its row is in tasks.",
        "position": "Position in the inbox, from 1.",
        "seen_at": "When a run first saw the task at this position.",
    },
    "organizations": {
        "name": "Name of the organization.",
    },
    "persons": {
        "email": "E-mail address; null if Pyrus does not give one.",
        "organization_id": "Id of the person's organization; null if the contacts do not name one.",
        "can_send_notification": "Whether the person may send messages; null if Pyrus does not say.",
    },
    "projects": {
        "project_id": "Id of the project in Pyrus; a form is also a project.",
        "name": "Name of the project.",
        "parent_id": "Id of the parent project; null for a root. The value stays if it is no longer served.",
    },
    "report_settings": {
        "only_row": "Always true, so that there is only one row.",
        "time_zone": "Time zone of the reports, which decides when days, weeks and hours begin; e.g. Europe/Moscow.",
        "task_url": "Beginning of the link to a task; the id of the task is appended.",
    },
    "report_views": {
        "form_id": "Id of the form whose tasks, or rows of a table field, the view shows.",
        "table_id": "Id of the table field whose rows the view shows; null for the form itself.",
    },
    "sync_backfills": {
        "account_id": "Id of the person that the connector logs in as.",
        "from_second": "Start of the period in seconds since 1970; null if unbounded.",
        "to_second": "End of the period in seconds since 1970, inclusive; null if unbounded.",
        "cursor": "Cursor from which the sync continues when the backfill is done.",
        "started_at": "When the backfill started; a resumed backfill keeps this time.",
        "finished_at": "When the last window was done; null until then.",
    },
    "sync_cursors": {
        "account_id": "Id of the person that the connector logs in as.",
        "stream": "The stream that is synced: tasks.",
        "cursor": "Start of the last complete run, by the server's clock: all changes before this time are stored.",
        "updated_at": "When the cursor last moved.",
    },
    "sync_errors": {
        "task_id": "Id of the task.",
        "first_seen_at": "When the task was first set aside.",
        "stage": "Stage that failed: fetch, decode or load.",
        "error": "Why it failed.",
        "payload": "The body, if one was received.",
        "attempts": "Number of runs in which it failed.",
        "resolved_at": "When the task was finally loaded; null while the error is open.",
        "listed_date": "ModifiedDate of the task in the list: an older body is fetched again.",
    },
    "sync_leases": {
        "account_id": "Id of the person that the connector logs in as.",
        "run_id": "Id of the run that holds the lock; only this run may commit.",
        "holder": "Host and process of the run.",
        "acquired_at": "When the run took the lock.",
        "expires_at": "When the lock expires unless the holder renews it.",
    },
    "sync_runs": {
        "account_id": "Id of the person that the connector logs in as; null if the run could not log in.",
        "login": "PYRUS_LOGIN of the run; null if it used an access token or no login was set.",
        "status": "running, ok, partial (stopped early, continues next time) or failed.",
        "started_at": "When the run started.",
        "finished_at": "When the run ended; null while it is running.",
        "server_started_at": (
            "When the run started by the server's clock; this becomes the cursor if the run completes."
        ),
        "server_ahead_seconds": (
            "Seconds by which the server's clock was ahead of ours at that time; negative if it was behind."
        ),
        "alive_at": "Heartbeat of the run while it logs in; after that, see sync_leases.",
        "tasks_changed": "Tasks written, because they were new or their body had changed.",
        "tasks_failed": "Tasks set aside; see sync_errors.",
        "values_unreadable": "Values stored as null because they could not be read; raw_tasks has them.",
        "error": "Why the run failed or stopped.",
    },
    "sync_windows": {
        "account_id": "Id of the person that the connector logs in as.",
        "from_second": "Start of the window in seconds since 1970; null if unbounded.",
        "to_second": "End of the window in seconds since 1970, inclusive; null if unbounded.",
        "done_at": "When all tasks of the window were committed; null until then.",
    },
    "tasks": {
        "task_id": "Id of the task.",
        "text": "Text of the task; if it has a form, the form's title and first values.",
        "author_id": "Id of the person who created the task.",
        "responsible_id": "Id of the person responsible; of a closed task, the last one.",
        "due_date": "Day on which the task is due, in UTC.",
        "asap": 'Whether the task is marked "as soon as possible".',
        "modified_date": "When the task last changed; null if Pyrus does not say.",
        "close_date": "When the task was last closed; null while it is open.",
        "parent_task_id": "Id of the task of which this is a subtask; the account may not see it.",
        "is_any_rejected": "Whether an approver rejected the task.",
        "form_id": (
            "Id of the form; null for tasks without a form. A form is also a project. Pyrus does not say which one a "
            "task belongs to: it is the root among the task's projects, unless form_overrides says otherwise."
        ),
        "main_project_id": (
            "Id of the current main project, the first that a task is filed in; null for tasks in no project."
        ),
        "deleted_at": "When a reconcile found the task gone or no longer visible; null otherwise.",
        "synced_at": "When this row was written to this database.",
    },
    "approvals": {
        "task_id": "Id of the task.",
        "step_no": "Number of the approval step, from 1; a skipped step keeps its number and has no rows.",
        "approver_no": "Position of the approver in the step, from 1.",
        "person_id": "Id of the approver.",
        "synced_at": "When this row was written to this database.",
    },
    "attachment_contents": {
        "task_id": "Id of the task.",
        "attachment_id": "Id of the file in Pyrus; a new version of a file has a new id.",
        "stored_uri": "Where the contents are stored.",
        "stored_at": "When the contents were stored.",
        "error": "Why the contents could not be stored.",
    },
    "attachments": {
        "task_id": "Id of the task.",
        "size_bytes": "Size in bytes.",
        "download_url": "Where Pyrus serves the contents to logged-in users.",
        "existing_id": "Id of the first version of the same file, if Pyrus gives it.",
        "md5_hash": "MD5 of the contents, as Pyrus gives it.",
        "note_no": "Number of the first note with the file; null if the file is only in the task's form.",
        "field_id": "Id of the form field in which the file first appears; null if it is attached to a note.",
        "synced_at": "When this row was written to this database.",
    },
    "form_value_items": {
        "task_id": "Id of the task.",
        "note_no": "Number of the note that set the value; 0 for the task's form.",
        "value_no": "Position of the value in the form or in the note; see form_values and note_form_values.",
        "item_no": "Position of the item in the value, from 1.",
        "text": "Text that users see: the first column of a catalog item, the name of anything else.",
        "synced_at": "When this row was written to this database.",
    },
    "form_values": {
        "task_id": "Id of the task.",
        "value_no": "Position of the value in the form or in the note, from 1.",
        "row_id": "Id of the row of the table field; null outside tables.",
        "field_name": "Name of the field as users see it.",
        "parent_field_id": "Id of the table or section field that contains this field.",
        "value_text": "Text, Email, Phone, Note; the literal value of Checkmark, Flag, ActivityStatus.",
        "value_bool": "Checkmark and Flag; null if the flag is not set either way.",
        "value_person_id": "Person, Assignee, Author, ApprovalPerson: id of the person.",
        "value_project_id": "Project: id of the project.",
        "value_json": (
            "What the other columns cannot hold: Catalog's values and headers, Title's rows, Files, and every "
            "property of an unknown type."
        ),
        "synced_at": "When this row was written to this database.",
    },
    "note_approvals": {
        "task_id": "Id of the task.",
        "note_no": "Number of the note in the task, from 1.",
        "step_no": "Number of the approval step, from 1.",
        "approver_no": "Position of the approver in the step, from 1.",
        "person_id": "Id of the approver.",
        "create_date": "When the note was written; the same as in notes.",
        "synced_at": "When this row was written to this database.",
    },
    "note_form_values": {
        "task_id": "Id of the task.",
        "note_no": "Number of the note in the task, from 1.",
        "value_no": "Position of the value in the form or in the note, from 1.",
        "row_id": "Id of the row of the table field; null outside tables.",
        "field_name": "Name of the field as users see it.",
        "parent_field_id": "Id of the table or section field that contains this field.",
        "value_text": "Text, Email, Phone, Note; the literal value of Checkmark, Flag, ActivityStatus.",
        "value_bool": "Checkmark and Flag; null if the flag is not set either way.",
        "value_person_id": "Person, Assignee, Author, ApprovalPerson: id of the person.",
        "value_project_id": "Project: id of the project.",
        "value_json": (
            "What the other columns cannot hold: Catalog's values and headers, Title's rows, Files, and every "
            "property of an unknown type."
        ),
        "synced_at": "When this row was written to this database.",
    },
    "note_projects": {
        "task_id": "Id of the task.",
        "note_no": "Number of the note in the task, from 1.",
        "project_id": "Id of the project.",
        "synced_at": "When this row was written to this database.",
    },
    "notes": {
        "task_id": "Id of the task.",
        "note_no": "Number of the note in the task, from 1.",
        "note_id": "Id of the note in Pyrus, if it gives one.",
        "author_id": "Id of the person who wrote the note.",
        "create_date": "When the note was written.",
        "text": "Text of the note; null if the note only changed something.",
        "reassigned_to_id": "Id of the person whom the note made responsible.",
        "activity_action": "Complete, MarkAsDuplicate, MarkAsIrrelevant or Reopen; null if none.",
        "approval_choice": "The author's decision as an approver: Approved, Rejected or Revoked.",
        "due_date_changed": "The due date that the note set.",
        "due_date_removed": "Whether the note cleared the due date.",
        "user_id": "UserId of the note: the author's id again, if Pyrus gives it.",
        "synced_at": "When this row was written to this database.",
    },
    "raw_tasks": {
        "task_id": "Id of the task.",
        "payload": "The body as served, including the parts that the connector does not know.",
        "payload_sha256": "SHA-256 of the body's bytes; if it is the same, nothing has changed.",
        "listed_date": (
            "ModifiedDate in the list when the task was last fetched; listed again, it means an unchanged task."
        ),
        "is_doubted": "Whether the body may be older than the task; if so, the next run fetches it again.",
        "read_by": "Version of the reader that made the rows; if it is older than the program's, run db rebuild.",
        "synced_at": "When this row was written to this database.",
    },
    "report_columns": {
        "view_name": "Name of the view in pyrus_report.",
        "column_no": "Position of the column among the columns of fields in the view, from 1.",
        "column_name": "Name of the column; it stays even if the field is renamed.",
        "field_id": "Id of the field in its form.",
        "shows": "What the column shows: value, or id for the id of the person, project or catalog item.",
        "field_type": "Type of the field when the column was added; a new type gets a new column.",
        "field_name": "Name of the field as last seen.",
    },
    "sync_requests": {
        "run_id": "Id of the run that sent the requests.",
        "second": "The second in which the requests were sent.",
        "requests": "Number of requests sent in that second.",
    },
    "task_projects": {
        "task_id": "Id of the task.",
        "project_id": "Id of a project that the task is filed in.",
        "project_no": "Position of the project in the task, from 1.",
        "synced_at": "When this row was written to this database.",
    },
}


def upgrade() -> None:
    for table, comment in TABLES.items():
        op.create_table_comment(table, comment, schema="pyrus")
    for table, comments in COLUMNS.items():
        for column, comment in comments.items():
            op.alter_column(table, column, comment=comment, schema="pyrus")


def downgrade() -> None:
    """Leaves the comments: they describe the older tables as well."""
