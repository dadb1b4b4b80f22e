"""The quota of each account, and its slices."""

from sqlalchemy import Column, Double, Index, Table

from pyrus_etl.schema.metadata import Timestamp, bigint, key, metadata

sync_quotas = Table(
    "sync_quotas",
    metadata,
    key("account_id", "Id of the person that the connector logs in as; 0 for runs that have yet to log in."),
    bigint("requests", "Most requests in any period, as PYRUS_ETL_QUOTA was last set.", nullable=False),
    Column("period", Double, nullable=False, comment="Length of the period in seconds."),
    Column("held_until", Timestamp, comment="Until when the server makes all processes wait; null if it never did."),
    comment="The quota of each account. A process locks its row while it leases a slice.",
)
sync_quota_slices = Table(
    "sync_quota_slices",
    metadata,
    key("slice_id", "Id of the slice, a random number."),
    bigint("account_id", "Id of the account, as in sync_quotas; 0 counts for all accounts.", nullable=False),
    bigint("permits", "Requests that may be sent; once the slice is closed, those that were sent.", nullable=False),
    Column("expires_at", Timestamp, nullable=False, comment="When its lease ends, or when it was closed."),
    Column("closed_at", Timestamp, comment="When its last answer came; null while a process may use it."),
    Index(None, "expires_at"),
    comment="Requests that processes may send. A slice counts until one period after expires_at, and is deleted later.",
)
