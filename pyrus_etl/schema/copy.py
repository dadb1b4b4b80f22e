"""Copies of attachments at other services: which task is which there, and what has been copied."""

from sqlalchemy import ARRAY, CheckConstraint, Column, Integer, Table, Text, text

from pyrus_etl.schema.metadata import Timestamp, bigint, key, metadata, task_key

SERVICES = "service IN ('paymo', 'onlyoffice')"


def _service(comment: str) -> Column[str]:
    return Column("service", Text, primary_key=True, comment=comment)


external_tasks = Table(
    "external_tasks",
    metadata,
    key("task_id", "Id of the task in Pyrus."),
    _service("The other service: paymo or onlyoffice."),
    bigint("external_task_id", "Id of the same task at the other service.", nullable=False),
    CheckConstraint(SERVICES, name="ck_external_tasks_service"),
    comment="Which task is which at another service; you fill it in, and files mirror copies attachments there.",
)

file_copies = Table(
    "file_copies",
    metadata,
    task_key(),
    key("attachment_id", "Id of the file in Pyrus."),
    _service("The service to which the file is copied: paymo or onlyoffice."),
    Column("external_file_id", Text, comment="Id of the copy at the service; null until there is one."),
    bigint("external_task_id", "Id of the task at the service to which the copy belongs."),
    Column("status", Text, nullable=False, comment="copying (or killed while copying), copied or failed."),
    Column(
        "attempts",
        Integer,
        nullable=False,
        server_default=text("0"),
        comment="How often the file was sent so that a copy may have arrived; with 2 or more, an earlier try may have "
        "left a second copy.",
    ),
    Column(
        "known_file_ids",
        ARRAY(Text),
        comment="Ids of files of the same name and size that were there before the first try; they are not the copy.",
    ),
    Column("started_at", Timestamp, comment="When the last try began."),
    Column("copied_at", Timestamp, comment="When the copy was found to be there."),
    Column("error", Text, comment="Why the file is not copied; null if it is."),
    CheckConstraint(SERVICES, name="ck_file_copies_service"),
    CheckConstraint("status IN ('copying', 'copied', 'failed')", name="ck_file_copies_status"),
    comment="Copies of attachments at other services; filled by files mirror.",
)
