"""`check`: one line for each check. A failed check names its own remedy, and no other check fails because of it."""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import pytest
from psycopg.conninfo import conninfo_to_dict

from pyrus_etl.load.sharing.quotas import remaining
from pyrus_etl.postgres.connection import connect
from pyrus_etl.sandbox import Sandbox, World
from pyrus_etl.sandbox.organisation.people import ACCOUNT
from pyrus_etl.settings import Quota, Secret
from tests.certificates import new_authority
from tests.directory import DENIED, script
from tests.proxies import proxying, refusal
from tests.runs import program
from tests.scripted import Reply, scripted
from tests.servers import Server
from tests.typing import Query

CHECKS = ["settings", "database", "schema", "login", "list"]


REFUSED = (
    "Pyrus refuses the register of 11 (Leave): 403 access_denied (no); make the account a manager of the form, "
    "or leave the form out by --forms"
)
FIRST_SYNC = (
    "2 tasks in forms: first rows after about 14 requests; everything after about 16, which takes about 1 min "
    "at this quota; each task that is only in lists takes one more"
)


class Line(NamedTuple):
    status: str
    message: str


class Checked(NamedTuple):
    """The exit code of `pyrus-etl check`, and its lines by check."""

    code: int
    lines: dict[str, Line]


def checked(sandbox: Sandbox | None = None, database: Secret | None = None, **environment: str) -> Checked:
    process = program("check", sandbox=sandbox, database=database, **environment)
    found = re.findall(r"^(ok|warning|failed|skipped) +(\w+) +(.*)$", process.stdout, re.MULTILINE)

    assert [check for _, check, _ in found] == CHECKS, process.stdout + process.stderr
    assert len(process.stdout.splitlines()) == len(CHECKS), "one line each"
    assert "Traceback" not in process.stderr
    return Checked(process.returncode, {check: Line(status, message) for status, check, message in found})


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(World(1, tasks=3)) as running:
        yield running


def test_all_is_well(sandbox: Sandbox, database: Secret) -> None:
    found = checked(sandbox, database)

    assert found.code == 0
    assert {line.status for line in found.lines.values()} == {"ok"}


def test_its_requests_count_for_the_quota_of_all_processes(database: Secret) -> None:
    with Sandbox(World(1, tasks=3)) as sandbox:
        for api in ("v3", "v4"):
            assert program("check", sandbox=sandbox, database=database, PYRUS_API=api).returncode == 0
            with connect(database) as connection:
                left = remaining(connection, Quota(5000, 600), sandbox.options.login)
            assert 5000 - left == sandbox.requests.total


def test_json_has_the_same_lines(sandbox: Sandbox, empty_database: Secret) -> None:
    process = program("check", "--json", sandbox=sandbox, database=empty_database)
    report = json.loads(process.stdout)

    assert (process.returncode, report["status"]) == (5, "failed")
    assert [(one["check"], one["status"]) for one in report["checks"]] == [
        ("settings", "ok"), ("database", "ok"), ("schema", "failed"), ("login", "ok"), ("list", "ok"),
    ]  # fmt: skip
    assert "pyrus-etl db upgrade" in report["checks"][2]["message"]
    assert process.stderr == f"pyrus-etl: schema: {report['checks'][2]['message']}\n", "what cron sends by mail"


def test_a_bad_setting_is_named_and_nothing_else_is_tried(sandbox: Sandbox, database: Secret) -> None:
    found = checked(sandbox, database, PYRUS_ETL_OVERLAP="soon")

    assert found.code == 2
    assert found.lines["settings"].status == "failed"
    assert "PYRUS_ETL_OVERLAP" in found.lines["settings"].message
    assert {found.lines[check] for check in CHECKS[1:]} == {Line("skipped", "because the settings check failed")}


class Case(NamedTuple):
    """A database with a problem: the URL or the statement that causes it, and a part of the remedy."""

    remedy: str
    url: str = ""
    statement: str = ""


NO_DATABASE = {
    "no such host": Case("DATABASE_URL", url="postgresql://etl@nowhere.invalid/pyrus"),
    "no such port": Case("DATABASE_URL", url="postgresql://etl@127.0.0.1:1/pyrus"),
    "no such database": Case("nosuchdatabase", url="dbname=nosuchdatabase"),
    "no such role": Case("nosuchrole", url="user=nosuchrole"),
}


@pytest.mark.parametrize("case", NO_DATABASE.values(), ids=NO_DATABASE.keys())
def test_a_database_that_cannot_be_used_is_not_a_schema_error(sandbox: Sandbox, database: Secret, case: Case) -> None:
    url = case.url if "://" in case.url else url_with(database, case.url)
    found = checked(sandbox, Secret(url))

    assert found.code == 5
    assert found.lines["database"].status == "failed"
    assert case.remedy in found.lines["database"].message
    assert "db upgrade" not in found.lines["database"].message
    assert found.lines["schema"] == Line("skipped", "because the database check failed")
    assert found.lines["list"].status == "ok", "checks that need no database still run"


def test_a_wrong_password_is_called_that(sandbox: Sandbox, postgresql_18: Server, database: Secret) -> None:
    with password_needed(postgresql_18, "guarded"):
        found = checked(sandbox, Secret(url_with(database, "user=guarded password=canary")))

    assert found.code == 5
    assert "password" in found.lines["database"].message
    assert "DATABASE_URL" in found.lines["database"].message
    assert "db upgrade" not in found.lines["database"].message
    assert "canary" not in found.lines["database"].message
    assert found.lines["schema"].status == "skipped"


SCHEMAS = {
    "missing": Case(
        "run pyrus-etl db upgrade", statement="DROP SCHEMA pyrus_report CASCADE; DROP SCHEMA pyrus CASCADE"
    ),
    "older": Case("run pyrus-etl db upgrade", statement="UPDATE pyrus.alembic_version SET version_num = '0001'"),
    "newer": Case("install the newer", statement="UPDATE pyrus.alembic_version SET version_num = '9999'"),
}


@pytest.mark.parametrize("case", SCHEMAS.values(), ids=SCHEMAS.keys())
def test_a_schema_of_another_version_says_which_side_to_bring_up(
    sandbox: Sandbox, database: Secret, query: Query, case: Case
) -> None:
    query(database, case.statement)
    found = checked(sandbox, database)

    assert found.code == 5
    assert [line.status for line in found.lines.values()] == ["ok", "ok", "failed", "ok", "ok"]
    assert case.remedy in found.lines["schema"].message
    assert ("db upgrade" in found.lines["schema"].message) == ("db upgrade" in case.remedy)


def test_reports_of_another_version_are_a_warning(sandbox: Sandbox, database: Secret, query: Query) -> None:
    query(database, "COMMENT ON SCHEMA pyrus_report IS 'older'")
    found = checked(sandbox, database)

    assert found.code == 0
    assert found.lines["schema"].status == "warning"
    assert "pyrus-etl db upgrade" in found.lines["schema"].message


@pytest.mark.parametrize(
    ("environment", "code", "remedy"),
    [
        ({"PYRUS_SECURITY_KEY": "", "PYRUS_LOGIN": ""}, 2, "set PYRUS_LOGIN"),
        ({"PYRUS_API": "v3", "PYRUS_CLIENT_ID": ""}, 2, "PYRUS_CLIENT_ID"),
        ({"PYRUS_SECURITY_KEY": "canary"}, 3, "PYRUS_SECURITY_KEY"),
        ({"PYRUS_LOGIN": "nobody@example.com"}, 3, "nobody@example.com"),
        ({"PYRUS_ACCESS_TOKEN": "canary"}, 3, "get a new one"),
    ],
    ids=["no login", "no client id", "wrong key", "wrong login", "wrong token"],
)
def test_a_login_that_is_not_accepted_says_what_to_set(
    sandbox: Sandbox, database: Secret, environment: dict[str, str], code: int, remedy: str
) -> None:
    found = checked(sandbox, database, **environment)

    assert found.code == code
    assert [line.status for line in found.lines.values()] == ["ok", "ok", "ok", "failed", "skipped"]
    assert remedy in found.lines["login"].message
    assert "canary" not in found.lines["login"].message
    assert found.lines["list"].message == "because the login check failed"


@pytest.mark.parametrize(
    ("reply", "remedy"),
    [
        (Reply(200, b"<html>It works!</html>"), "PYRUS_URL"),
        (Reply(404, b"<html>Not found</html>"), "PYRUS_URL"),
        (Reply(404, b""), "PYRUS_URL"),
        (Reply(503, b""), "try again later"),
        (Reply(503, b"<html>We are back soon</html>"), "try again later"),
    ],
    ids=["a web page", "404", "404 without a body", "503", "503 in HTML"],
)
def test_a_server_that_is_not_pyrus_or_is_down_is_reported_as_such(
    database: Secret, impatient: None, reply: Reply, remedy: str
) -> None:
    with scripted(lambda _: reply) as server:
        login = {"PYRUS_LOGIN": "a", "PYRUS_CLIENT_ID": "b", "PYRUS_SECURITY_KEY": "c"}
        found = checked(None, database, PYRUS_URL=server.url, **login)

    assert found.code == 4
    assert found.lines["login"].status == "failed"
    assert remedy in found.lines["login"].message
    assert ("PYRUS_URL" in found.lines["login"].message) == (remedy == "PYRUS_URL")


@pytest.mark.parametrize(
    ("answer", "remedy"),
    [(refusal(407), "HTTPS_PROXY"), (refusal(403), "HTTPS_PROXY"), (refusal(502), "HTTPS_PROXY")],
    ids=["wrong password", "forbidden", "host not reached"],
)
def test_a_proxy_that_refuses_is_named_without_its_password(
    database: Secret, impatient: None, answer: bytes, remedy: str
) -> None:
    with proxying(answer) as proxy:
        environment = {"PYRUS_URL": "https://pyrus.example", "HTTPS_PROXY": f"http://ann:canary@{proxy.address}"}
        found = checked(None, database, PYRUS_ACCESS_TOKEN="token", **environment)

    assert found.code == 4
    assert remedy in found.lines["login"].message
    assert "canary" not in found.lines["login"].message


def test_an_untrusted_certificate_names_the_setting_for_its_authority(database: Secret, tmp_path: Path) -> None:
    tls = new_authority(tmp_path).vouches_for("localhost")
    with scripted(lambda _: Reply(200, b"{}"), tls) as server:
        url = f"https://localhost:{urlsplit(server.url).port}"
        found = checked(None, database, PYRUS_URL=url, PYRUS_ACCESS_TOKEN="token")

    assert found.code == 4
    assert "set SSL_CERT_FILE" in found.lines["login"].message


def test_an_account_that_sees_no_tasks_is_a_warning(database: Secret) -> None:
    with Sandbox(World(1, tasks=0)) as sandbox:
        found = checked(sandbox, database)

    assert found.code == 0
    assert found.lines["list"] == Line(
        "warning", "the account sees no tasks; give the person or bot access to forms and projects in Pyrus"
    )


def url_with(database: Secret, parts: str) -> str:
    """The URL of a database with other parts, written as `name=value`."""
    settings = {**conninfo_to_dict(database.reveal()), **conninfo_to_dict(parts)}
    user, password = settings["user"], settings.get("password")
    userinfo = f"{user}:{password}" if password else user
    return f"postgresql://{userinfo}@/{settings['dbname']}?host={settings['host']}&port={settings.get('port', 5432)}"


@contextmanager
def password_needed(server: Server, role: str) -> Iterator[None]:
    """A role that needs a password, unlike the others; it exists until the block ends."""
    rules = server.folder / "pg_hba.conf"
    before = rules.read_text(encoding="utf-8")
    rules.write_text(f"local all {role} scram-sha-256\n{before}", encoding="utf-8")
    server.execute(f"CREATE ROLE {role} LOGIN PASSWORD 'right'")
    server.execute("SELECT pg_reload_conf()")
    try:
        yield
    finally:
        rules.write_text(before, encoding="utf-8")
        server.execute("SELECT pg_reload_conf()")
        server.execute(f"DROP ROLE {role}")


@pytest.mark.parametrize("table", ["notes", "sync_runs", "raw_tasks", "sync_quotas"])
def test_a_table_that_was_dropped_is_named_though_no_command_has_needed_it_yet(
    sandbox: Sandbox, database: Secret, query: Query, table: str
) -> None:
    query(database, f"DROP TABLE pyrus.{table} CASCADE")
    found = checked(sandbox, database)
    synced = program("sync", sandbox=sandbox, database=database)

    assert (found.code, synced.returncode) == (5, 5)
    for message in (found.lines["schema"].message, synced.stderr):
        assert f"pyrus.{table};" in message
        assert "pyrus-etl db upgrade" in message


def test_a_report_that_was_dropped_is_named(sandbox: Sandbox, database: Secret, query: Query) -> None:
    query(database, "DROP VIEW pyrus_report.sync_freshness")
    line = checked(sandbox, database).lines["schema"]

    assert line.status == "warning"
    assert "pyrus_report.sync_freshness; run pyrus-etl db upgrade" in line.message


def test_reports_that_have_no_rows_for_want_of_their_settings_are_named(
    sandbox: Sandbox, database: Secret, query: Query
) -> None:
    query(database, "DELETE FROM pyrus.report_settings")
    found = checked(sandbox, database)

    assert found.code == 5
    assert "pyrus.report_settings" in found.lines["schema"].message
    assert "pyrus-etl db upgrade" in found.lines["schema"].message


def test_check_says_what_the_account_may_see_through_api_v4(database: Secret) -> None:
    answers = {
        "/profile": {"person_id": 7, "first_name": "Robot"},
        "/members/7": {"id": 7, "rights": 2},
        "/forms": {"forms": [{"id": 10, "name": "Contract"}, {"id": 11, "name": "Leave"}]},
        "/forms/10/permissions": {"permissions": {"7": "manager"}},
        "/forms/10/register": {"tasks": [{"id": 1}, {"id": 2}]},
        "/forms/11/register": DENIED,
    }
    with scripted(script(answers)) as server:
        environment: dict[str, Any] = {"PYRUS_API": "v4", "PYRUS_URL": server.url, "PYRUS_ACCESS_TOKEN": "token"}
        shown = program("check", database=database, **environment)
        report = json.loads(program("check", "--json", database=database, **environment).stdout)

    assert shown.returncode == 0, shown.stdout + shown.stderr
    assert shown.stdout.splitlines()[-4:] == [
        "ok      rights    can see all tasks; further rights: none",
        f"warning forms     2 forms: manager 1, level unknown 1; {REFUSED}",
        "ok      directory 0 lists, 0 catalogs",
        f"ok      backfill  {FIRST_SYNC}",
    ]
    assert [(one["check"], one["status"]) for one in report["checks"]][-4:] == [
        *(("rights", "ok"), ("forms", "warning"), ("directory", "ok"), ("backfill", "ok"))
    ]
    assert report["access"]["sees_all_tasks"] is True
    form = {"form_id": 10, "name": "Contract", "level": "manager", "tasks": 2, "has_more": False, "refusal": None}
    assert report["access"]["forms"][0] == form


@pytest.mark.parametrize("api", ["v3", "v4"])
def test_whether_the_account_may_write_is_said_if_writing_is_switched_on(database: Secret, api: str) -> None:
    """It asks for a task without a text. No task is made of it."""
    world = World(1, tasks=5)
    with Sandbox(world) as sandbox:
        lines = []
        for switch, readers in (("on", ()), ("on", (ACCOUNT.id,)), ("off", ())):
            sandbox.reconfigure(readers=readers)
            more = {"PYRUS_API": api, "PYRUS_ETL_WRITE": switch}
            shown = program("check", "--json", sandbox=sandbox, database=database, **more).stdout
            lines += [one for one in json.loads(shown)["checks"] if one["check"] == "write"]

    assert [line["status"] for line in lines] == ["ok", "warning", "ok"]
    assert lines[0]["message"] == "on: the account may write; Pyrus decides about each row"
    assert "the account may not write: Pyrus refuses it: 403" in lines[1]["message"]
    assert lines[2]["message"].startswith("off")
    assert len(world) == 5
