"""The accounts that use the database, and which task is being fetched by which of them.

Revision 0023, after 0022.
"""

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None

Time = sa.DateTime(timezone=True)
KNOWN = """
    INSERT INTO pyrus.accounts (account_id, login, api)
    SELECT account_id,
        (SELECT login FROM pyrus.sync_runs AS run
         WHERE run.account_id = known.account_id AND login IS NOT NULL ORDER BY started_at DESC LIMIT 1),
        (SELECT api FROM pyrus.raw_tasks JOIN pyrus.task_sightings AS sighting USING (task_id)
         WHERE sighting.account_id = known.account_id AND is_reader ORDER BY fetched_at DESC LIMIT 1)
    FROM (SELECT account_id FROM pyrus.sync_cursors UNION SELECT account_id FROM pyrus.sync_runs) AS known
    WHERE account_id > 0
"""
"""Accounts of file services are negative."""


def upgrade() -> None:
    """Adds the accounts that have used the database."""
    op.create_table(
        "accounts",
        sa.Column(
            "account_id", sa.BigInteger, autoincrement=False, comment="Id of the person that the connector logs in as."
        ),
        sa.Column("name", sa.Text, comment="NAME of its section [accounts.NAME] in the config file; null without one."),
        sa.Column("login", sa.Text, comment="PYRUS_LOGIN of its last run; null with an access token."),
        sa.Column("api", sa.Text, comment="API that its last run asked: v3 or v4."),
        sa.Column("last_exit", sa.Integer, comment="Exit code of its last run that ended; null if none has."),
        sa.Column("next_at", Time, comment="When a process that stays runs it next; null if none does."),
        sa.PrimaryKeyConstraint("account_id", name=op.f("pk_accounts")),
        schema="pyrus",
        comment="The accounts of Pyrus that have used this database. All are of one organisation.",
    )
    op.execute(KNOWN)
    op.create_table(
        "task_claims",
        sa.Column("task_id", sa.BigInteger, autoincrement=False, comment="Id of the task; it may not be in tasks yet."),
        sa.Column("account_id", sa.BigInteger, nullable=False, comment="Id of the account that fetches the task."),
        sa.Column(
            "run_id", sa.Uuid, nullable=False, comment="Id of the run that fetches it; the claim ends with its lock."
        ),
        sa.Column("expires_at", Time, nullable=False, comment="When others may fetch it, if the run has not ended."),
        sa.PrimaryKeyConstraint("task_id", name=op.f("pk_task_claims")),
        schema="pyrus",
        comment="Which task is being fetched by which of several accounts; the row goes when the task is committed.",
    )


def downgrade() -> None:
    op.drop_table("task_claims", schema="pyrus")
    op.drop_table("accounts", schema="pyrus")
