"""`cluster …`: what it stores, what it refuses, and what it says."""

import re
from pathlib import Path

import psycopg

from pyrus_etl.sandbox import Sandbox, World
from pyrus_etl.settings import Secret
from tests.cluster.clusters import Cluster
from tests.runs import program
from tests.typing import Query


def test_accounts_are_added_paused_made_due_and_removed(cluster: Cluster, database: Secret) -> None:
    with Sandbox(World(1, tasks=1)) as sandbox:
        assert cluster.program("cluster", "init").stdout == "The cluster is ready.\n"
        assert cluster.add("acme", sandbox, database, "--every", "5m", "--quota", "100/60s").returncode == 0
        again = cluster.add("acme", sandbox, database)
        elsewhere = cluster.add("acme", sandbox, Secret("postgresql:///x"), "--login", "other@acme.example")
    assert again.returncode == 2
    assert "of acme was added already; run pyrus-etl cluster remove first to change it." in again.stderr
    assert elsewhere.returncode == 0, "the same file"

    (organisation,) = cluster.status()["organisations"]
    (other, account) = cluster.status()["accounts"]
    assert organisation["org"] == "acme"
    assert organisation["database_url_ref"] == str(cluster.folder / "acme.url")
    assert (account["quota"], account["every"], account["is_at_work"]) == ("100/60s", "PT300S", False)
    assert {account["login"], other["login"]} == {sandbox.options.login, "other@acme.example"}

    both = f"acme/other@acme.example, acme/{sandbox.options.login}"
    assert cluster.program("cluster", "run", "acme").stdout == f"Due now: {both}.\n"
    assert cluster.status()["jobs"] == [{"kind": "backfill", "status": "waiting", "jobs": 2}]
    assert "Cancelled 2 jobs" in cluster.program("cluster", "cancel", "acme").stdout
    assert cluster.status()["jobs"] == []
    assert cluster.program("cluster", "pause").returncode == 0
    assert "acme, paused since" in cluster.program("cluster", "status").stdout
    held = cluster.program("cluster", "run").stdout
    assert held == f"Paused: {both}; run pyrus-etl cluster resume first.\n"
    assert cluster.status()["jobs"] == [], "nothing is due while it is paused"
    assert cluster.program("cluster", "resume", "acme").stdout == f"Resumed {both}.\n"
    assert cluster.status()["jobs"] == [{"kind": "backfill", "status": "waiting", "jobs": 2}]

    stored = everything_stored(cluster)
    assert sandbox.options.security_key not in stored
    assert database.reveal() not in stored

    assert cluster.program("cluster", "remove", "acme").returncode == 0
    assert cluster.status()["organisations"] == []
    missing = cluster.program("cluster", "pause", "acme")
    assert (missing.returncode, missing.stderr) == (
        2,
        "pyrus-etl: There is no organisation acme; pyrus-etl cluster status lists those that were added.\n",
    )


def everything_stored(cluster: Cluster) -> str:
    """All rows of all tables in the cluster's database, as text."""
    with psycopg.connect(cluster.url.reveal()) as connection:
        tables = connection.execute(
            "SELECT oid::regclass::text FROM pg_class WHERE relkind = 'r' "
            "AND relnamespace IN ('public'::regnamespace, 'pyrus_cluster'::regnamespace)"
        ).fetchall()
        return "\n".join(str(connection.execute(f"SELECT * FROM {table}".encode()).fetchall()) for (table,) in tables)


def test_every_table_and_column_has_a_comment(cluster: Cluster, query: Query) -> None:
    bare = """
        SELECT attrelid::regclass::text, attname::text FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
        WHERE relnamespace = 'pyrus_cluster'::regnamespace AND relkind = 'r' AND attnum >= 0
            AND col_description(attrelid, attnum) IS NULL AND (attnum > 0 OR obj_description(attrelid) IS NULL)
    """

    assert query(cluster.url, bare) == []


def test_bad_input_is_a_sentence(cluster: Cluster, query: Query) -> None:
    def said(*arguments: str, **environment: str) -> tuple[int, str]:
        ended = cluster.program("cluster", *arguments, **environment)
        return ended.returncode, ended.stderr

    given = ("--login", "bot@acme.example", "--key-file", "/nowhere/key")
    assert said("add", "a/b", *given) == (
        2,
        "pyrus-etl: ORG: 'a/b' is not a name; use letters, digits, - and _, at most 63.\n",
    )
    code, text = said("add", "acme", *given)
    assert code == 2
    assert "/nowhere/key is not a file on this machine; each worker needs it on its own." in text
    assert text.endswith("acme is a new organisation; name its database with --database-url-file.\n")
    assert said("add", "acme", *given, "--quota", "many")[0] == 2
    code, text = said("add", "acme", "--login", "bot@acme.example", "--key-file", "the-key-itself")
    assert (code, "the-key-itself" in text, "give its full path" in text) == (2, False, True)

    query(cluster.url, "UPDATE pyrus_cluster.version SET revision = 99")
    code, text = said("status")
    assert code == 5
    assert text.startswith("pyrus-etl: The cluster's database is of version 99, which this program (1) does not know")
    query(cluster.url, "UPDATE pyrus_cluster.version SET revision = 1")
    query(cluster.url, "COMMENT ON TABLE procrastinate_jobs IS 'pyrus-etl: another'")
    assert said("run")[0] == 5
    assert "The queue was made by another version of Procrastinate" in said("run")[1]
    assert cluster.program("cluster", "init").stdout == "The cluster is ready, with an empty queue.\n"
    assert said("run") == (0, "")

    away = re.sub(r"port=\d+", "port=1", cluster.url.reveal())
    ended = program("cluster", "status", PYRUS_ETL_CLUSTER_URL=away)
    assert ended.returncode == 5
    assert ended.stderr.startswith("pyrus-etl: The cluster's database cannot be reached")
    assert "PYRUS_ETL_CLUSTER_URL names it" in ended.stderr


def test_a_database_without_tables_asks_for_init(empty_database: Secret) -> None:
    ended = program("worker", PYRUS_ETL_CLUSTER_URL=empty_database.reveal())

    assert (ended.returncode, ended.stderr) == (
        5,
        "pyrus-etl: The cluster's database has no tables yet; run pyrus-etl cluster init.\n",
    )


def test_without_a_url_the_cluster_is_in_the_embedded_server(tmp_path: Path) -> None:
    def said(*arguments: str) -> str:
        ended = program("cluster", *arguments, HOME=str(tmp_path), XDG_DATA_HOME=str(tmp_path))
        assert ended.returncode == 0, ended.stderr
        return ended.stdout

    assert said("init") == "The cluster was created, with an empty queue.\n"
    assert said("status") == "Queue: empty\nNo worker is alive; start some with pyrus-etl worker.\n"
