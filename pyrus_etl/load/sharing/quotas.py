"""The quota as its processes lease it. A row of sync_quota_slices is a lease, one of sync_quotas the account's quota.

All times are the database's clock_timestamp(). A report is one message, which the server makes one transaction: what
others commit while it waits for the row of the account is seen by the statements after that, and nothing depends on
the session.
"""

from typing import LiteralString, NamedTuple

from pyrus_etl.client.quota.lending import Grant, Report
from pyrus_etl.postgres.connection import Connection, sent_at_once
from pyrus_etl.postgres.lease import LEASE_SECONDS
from pyrus_etl.settings import Quota

UNKNOWN = 0
"""The account of a run with a new login, until it has logged in. It may be any account that is not known by another
login, so it gets no more than each of them has left, and its leases count for all."""
MARGIN = 0.001
"""Seconds for which a lease counts longer than a period: the database's clock has whole microseconds."""
KEPT = 3600.0
"""Seconds for which leases are stored at least, in case a later run has a longer period."""


class Share(NamedTuple):
    """Whose quota a process uses.

    `others`: accounts that it cannot be if it is unknown. `moved`: leases that it took before the account was known.
    `is_new`: whether this is the first report with this account.
    """

    account_id: int
    quota: Quota
    others: tuple[int, ...] = ()
    moved: tuple[int, ...] = ()
    is_new: bool = True


_LOCK: LiteralString = """
    SELECT set_config('lock_timeout', '30s', true);
    INSERT INTO pyrus.sync_quotas AS known (account_id, requests, period, held_until)
    SELECT account_id, %(requests)s::bigint, %(period)s::float8,
        CASE WHEN %(held)s > 0 THEN clock_timestamp() + make_interval(secs => %(held)s) END
    FROM unnest(%(locked)s::bigint[]) WITH ORDINALITY AS locked (account_id, number) ORDER BY number
    ON CONFLICT (account_id) DO UPDATE SET
        requests = EXCLUDED.requests, period = EXCLUDED.period,
        held_until = greatest(known.held_until, EXCLUDED.held_until);
"""
_LOCK_ALL: LiteralString = "SELECT FROM pyrus.sync_quotas ORDER BY account_id FOR UPDATE;"
_MOVE: LiteralString = """
    UPDATE pyrus.sync_quota_slices SET account_id = %(account)s WHERE slice_id = ANY(%(moved)s::bigint[]);
"""
_CLOSE: LiteralString = """
    UPDATE pyrus.sync_quota_slices AS slice SET permits = used, closed_at = closed.at, expires_at = closed.at
    FROM (
        SELECT slice_id, used, clock_timestamp() - make_interval(secs => ago) AS at
        FROM unnest(%(closed)s::bigint[], %(used)s::bigint[], %(ago)s::float8[]) AS given (slice_id, used, ago)
    ) AS closed
    WHERE slice.slice_id = closed.slice_id AND slice.closed_at IS NULL;
"""
_EXTEND: LiteralString = """
    UPDATE pyrus.sync_quota_slices SET expires_at = clock_timestamp() + make_interval(secs => %(lease)s)
    WHERE slice_id = ANY(%(in_flight)s::bigint[]) AND closed_at IS NULL;
"""
_FORGET: LiteralString = """
    DELETE FROM pyrus.sync_quota_slices
    WHERE expires_at < (SELECT clock_timestamp()) - make_interval(secs => %(kept)s);
"""
_COUNTING: LiteralString = """
    WITH instant AS MATERIALIZED (SELECT clock_timestamp() AS now),
    counting AS (
        SELECT coalesce(sum(permits), 0)::bigint AS used, max(quota.held_until) AS held_until,
            min(least(slice.expires_at, now)) FILTER (WHERE permits > 0) AS left_at
        FROM instant CROSS JOIN pyrus.sync_quotas AS quota LEFT JOIN pyrus.sync_quota_slices AS slice
            ON slice.account_id IN (quota.account_id, 0) AND slice.slice_id <> %(slice_id)s
            AND slice.expires_at > now - make_interval(secs => %(counts_for)s)
        WHERE quota.account_id = %(account)s OR %(account)s = 0 AND quota.account_id <> ALL (%(others)s::bigint[])
        GROUP BY quota.account_id
    ),
    room AS (
        SELECT max(used) AS used, %(requests)s - max(used) AS free,
            %(counts_for)s - extract(epoch FROM min(now) - min(left_at))::float8 AS free_in,
            greatest(extract(epoch FROM max(held_until) - min(now)), 0)::float8 AS held
        FROM counting, instant
    )
"""
_GRANT: LiteralString = """
    , granted AS (
        INSERT INTO pyrus.sync_quota_slices AS slice (slice_id, account_id, permits, expires_at)
        SELECT %(slice_id)s, %(account)s, least(%(wanted)s, free), now + make_interval(secs => %(lease)s)
        FROM room, instant WHERE least(%(wanted)s, free) > 0 AND (held > 0) IS NOT TRUE
        ON CONFLICT (slice_id) DO UPDATE SET permits = slice.permits
        RETURNING permits
    )
    SELECT coalesce(permits, 0), used + coalesce(permits, 0), coalesce(free_in, %(counts_for)s), coalesce(held, 0)
    FROM room LEFT JOIN granted ON true
"""
_FREE: LiteralString = "SELECT free FROM room"


def settle(connection: Connection, share: Share, report: Report, lease_id: int) -> Grant:
    """Notes what a process reports, and gives it a lease with this new id if it wants one.

    Repeated with the same id after its answer was lost, it gives the same lease.
    """
    account_id, quota = share.account_id, share.quota
    parameters = {
        "account": account_id,
        "locked": [UNKNOWN, account_id] if share.is_new and account_id else [account_id],
        "requests": quota.requests,
        "period": quota.period,
        "counts_for": quota.period + MARGIN,
        "others": list(share.others),
        "held": report.held,
        "moved": list(share.moved),
        "closed": [each.lease_id for each in report.closed],
        "used": [each.used for each in report.closed],
        "ago": [each.ago for each in report.closed],
        "in_flight": list(report.in_flight),
        "kept": max(KEPT, quota.period),
        "slice_id": lease_id,
        "wanted": report.wanted,
        "lease": LEASE_SECONDS,
    }
    statements = (
        _LOCK,
        _LOCK_ALL if account_id == UNKNOWN else "",
        _MOVE if share.moved else "",
        _CLOSE if report.closed else "",
        _EXTEND if report.in_flight else "",
        _FORGET if report.wanted else "",
        _COUNTING,
        _GRANT,
    )
    ((permits, used, free_in, held),) = sent_at_once(connection, "".join(statements), parameters)
    return Grant(lease_id, permits, LEASE_SECONDS, used, free_in, held)


def share_of(connection: Connection, login: str | None, quota: Quota) -> Share:
    """The share of a run that has not logged in yet; its account is that of the last run with this login."""
    query = """
        SELECT account_id FROM pyrus.sync_runs WHERE login = %s AND account_id IS NOT NULL
        ORDER BY run_id DESC LIMIT 1
    """
    if found := connection.execute(query, [login]).fetchone():
        return Share(found[0], quota)
    others = "SELECT DISTINCT account_id FROM pyrus.sync_runs WHERE account_id IS NOT NULL AND login <> %s"
    return Share(UNKNOWN, quota, tuple(account_id for (account_id,) in connection.execute(others, [login])))


def may_lease(connection: Connection) -> bool:
    """Whether we may write leases."""
    query = """
        SELECT current_setting('transaction_read_only') = 'off' AND bool_and(has_table_privilege(name, privilege))
        FROM (VALUES ('pyrus.sync_quotas'), ('pyrus.sync_quota_slices')) AS written (name),
            (VALUES ('INSERT'), ('UPDATE'), ('DELETE')) AS needed (privilege)
    """
    ((allowed,),) = connection.execute(query).fetchall()
    return bool(allowed)


def remaining(connection: Connection, quota: Quota, login: str | None) -> int:
    """How many requests the quota allows at this moment."""
    share = share_of(connection, login, quota)
    parameters = {
        "account": share.account_id,
        "others": list(share.others),
        "requests": quota.requests,
        "counts_for": quota.period + MARGIN,
        "slice_id": 0,
    }
    ((free,),) = connection.execute("".join((_COUNTING, _FREE)), parameters).fetchall()
    return quota.requests if free is None else max(0, free)
