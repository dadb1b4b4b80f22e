"""Objects that prevent a change: PostgreSQL's errors for them, and ours for a wide view."""

import psycopg

InTheWay = (
    psycopg.errors.InvalidTableDefinition,
    psycopg.errors.FeatureNotSupported,
    psycopg.errors.DependentObjectsStillExist,
)
"""PostgreSQL's errors if existing views prevent their own replacement or a migration."""


class WideViewInTheWay(Exception):
    """A wide view cannot be replaced in place. `orig`: one of `InTheWay`; see `postgres.locks.cause_of`."""

    def __init__(self, view: str, orig: psycopg.Error) -> None:
        super().__init__(f"{view}: {orig.diag.message_primary}")
        self.view = view
        self.orig = orig
