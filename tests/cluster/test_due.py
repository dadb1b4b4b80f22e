"""What is due in a cluster, and what a slice learns of its account."""

from collections.abc import Iterator
from datetime import timedelta
from uuid import uuid4

import pytest

from pyrus_etl.cluster import accounts, registry, schema
from pyrus_etl.cluster.accounts import LONGEST_SLICE, Due, Name
from pyrus_etl.cluster.registry import NewAccount
from pyrus_etl.postgres.connection import Connection, connect
from pyrus_etl.schema.metadata import REVISION
from pyrus_etl.settings import Secret

ANN, BOB = Name("acme", "ann@acme.example"), Name("acme", "bob@acme.example")


def add(connection: Connection, account: Name) -> None:
    day = timedelta(days=1)
    added = NewAccount(*account, "v4", "https://pyrus.com", None, None, "/key", "5000/600s", day, day, None)
    registry.add(connection, added, "/url")


def kinds(connection: Connection) -> list[str]:
    return [kind for account, kind in accounts.due(connection, REVISION) if account == ANN]


@pytest.fixture
def connection(empty_database: Secret) -> Iterator[Connection]:
    """To a cluster with one account."""
    with connect(empty_database) as connection:
        schema.create(connection)
        add(connection, ANN)
        yield connection


def test_hints_go_first_until_a_sync_has_waited_for_long(connection: Connection) -> None:
    accounts.note_hints(connection, ANN.login)

    assert sorted(kinds(connection)) == ["backfill", "hints"]
    connection.execute("UPDATE pyrus_cluster.accounts SET next_at = next_at - %s", [LONGEST_SLICE])
    assert kinds(connection) == ["backfill"], "it follows hints too"
    assert accounts.due(connection, REVISION, ("hints",)) == list[Due]()


def test_a_slice_knows_whether_its_organisation_has_other_accounts(connection: Connection) -> None:
    alone = accounts.claim(connection, ANN, "backfill", "it", uuid4())
    add(connection, BOB)
    together = accounts.claim(connection, BOB, "backfill", "it", uuid4())

    assert alone
    assert together
    assert (alone.has_several, together.has_several) == (False, True)


def test_an_account_whose_worker_died_is_due_for_what_it_did_only(connection: Connection) -> None:
    accounts.claim(connection, ANN, "backfill", "it", uuid4())
    assert kinds(connection) == []

    accounts.died(connection, ANN)

    assert kinds(connection) == ["backfill"], "it has no contents of attachments to fetch"
