"""A DATABASE_URL that libpq cannot read, or could misread, is refused with an error that shows none of it."""

import pytest
from psycopg.conninfo import conninfo_to_dict

from pyrus_etl.errors import SettingsError
from pyrus_etl.settings import load_settings


@pytest.mark.parametrize(
    ("url", "parts"),
    [
        ("postgresql://", {}),
        ("postgresql://db.example/pyrus", {"host": "db.example", "dbname": "pyrus"}),
        ("postgres://etl:pw@db.example:5433/pyrus", {"user": "etl", "password": "pw", "port": "5433"}),
        ("postgresql+psycopg://etl@[::1]:5432/pyrus", {"host": "::1", "port": "5432"}),
        ("postgresql://etl@[fe80::1%25eth0]/pyrus", {"host": "fe80::1%eth0"}),
        ("postgresql://etl@one:1,two:2/pyrus", {"host": "one,two", "port": "1,2"}),
        ("postgresql://etl@%2Frun%2Fpg@1/pyrus".replace("@1", "%401"), {"host": "/run/pg@1"}),
        ("postgresql:///pyrus?host=/run/postgresql&port=5433", {"host": "/run/postgresql", "port": "5433"}),
        ("postgresql://etl:a%40b%2Fc%3Ad%23e@h/pyrus", {"password": "a@b/c:d#e", "host": "h"}),
        ("postgresql://etl:a:b@h/pyrus", {"password": "a:b", "host": "h"}),
        ("postgresql://h/a%20b%2Fc%C3%A9", {"dbname": "a b/cé"}),
        ("postgresql://h/d?options=-c%20statement_timeout%3D0", {"options": "-c statement_timeout=0"}),
        ("postgresql://h/d?ssl=true", {"sslmode": "require"}),
        ("postgresql:///?service=pyrus", {"service": "pyrus"}),
    ],
)
def test_a_url_is_read_as_libpq_reads_it(url: str, parts: dict[str, str]) -> None:
    found = load_settings({}, {"DATABASE_URL": url}).database_url

    assert found
    assert conninfo_to_dict(found.reveal()).items() >= parts.items()


AMBIGUOUS = "it can be read in more than one way; percent-encode"


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("postgresql://u:x@zebra/word@h/d", AMBIGUOUS),
        ("postgresql://u:x@zeb/ra@h", AMBIGUOUS),
        ("postgresql://u:zeb/x@ra@h/d", AMBIGUOUS),
        ("postgresql://u:x@zeb@ra/@h/d", AMBIGUOUS),
        ("postgresql://u:x@zeb?ra@h/d", AMBIGUOUS),
        ("postgresql://u:x@zeb?ra=1&b@h/d", AMBIGUOUS),
        ("postgresql://u:x@@zebra@h/d", AMBIGUOUS),
        ("postgresql://u:zeb#ra@h/d", AMBIGUOUS),
        ("postgresql://u:x@h/d?application_name=zeb@ra", AMBIGUOUS),
        ("postgresql://u:zeb%zzra@h/d", "write %25 for a percent sign"),
        ("postgresql://u:zebra%@h/d", "write %25 for a percent sign"),
        ("postgresql://u:zeb%E9ra@h/d", "are not UTF-8"),
        ("postgresql://u:zebra%00@h/d", "%00"),
        ("postgresql://u:zeb ra@h/d", "write %20"),
        ("postgresql://u:zebra@[::1/d", "in brackets"),
        ("postgresql://u:zebra@::1/d", "in brackets"),
        ("postgresql://u:zebra@[::1]5432/d", "in brackets"),
        ("postgresql://u:zebra@h$!/d", "characters that are not allowed"),
        ("postgresql://u:zebra@h:0/d", "its port is not a number from 1 to 65535"),
        ("postgresql://u:zebra@h:99999/d", "its port is not a number from 1 to 65535"),
        ("postgresql://u:zebra@h:zebra/d", "its port is not a number from 1 to 65535"),
        ("postgresql://u:zebra/d", "its port is not a number from 1 to 65535"),
        ("postgresql://u:zebra@h/d?port=zebra", "its port is not a number from 1 to 65535"),
        ("postgresql://u:zebra@h/d?pgbouncer=true", "parameter 'pgbouncer'; remove it"),
        ("postgresql://u:zebra@h/d?schema=public", "parameter 'schema'; remove it"),
        ("postgresql://u:zebra@h/d?sslmode=require&connection_limit=1", "parameter 'connection_limit'; remove it"),
        ("postgresql://u:zebra@h/d?SSLMODE=require", "parameter 'SSLMODE'; remove it"),
        ("postgresql://u:zebra@h/d?ssl=zebra", "parameter 'ssl'; remove it"),
        ("postgresql://u:zebra@h/d?sslmode=zebra", "sslmode must be one of allow, disable, prefer, require,"),
        ("postgresql://u:zebra@h/d?target_session_attrs=zebra", "target_session_attrs must be one of any,"),
        ("postgresql://u:zebra@h/d?zebra", "each parameter after the ? must be name=value"),
        ("postgresql://u:zebra@h/d?options=-cx=zebra", "= as %3D"),
        ("postgresql://u:zebra@h/d?&", "each parameter after the ? must be name=value"),
        ("postgresql+asyncpg://u:zebra@h/d", "is not a PostgreSQL URL"),
        ("jdbc:postgresql://u:zebra@h/d", "is not a PostgreSQL URL"),
        ("'postgresql://u:zebra@h/d'", "without quotes"),
        ("host=h password=zebra", "is not a PostgreSQL URL"),
        ("zebra", "is not a PostgreSQL URL"),
    ],
)
def test_a_url_that_libpq_would_not_read_as_meant_is_refused_without_showing_any_of_it(url: str, problem: str) -> None:
    with pytest.raises(SettingsError) as raised:
        load_settings({}, {"DATABASE_URL": url})

    assert str(raised.value).startswith("DATABASE_URL")
    assert problem in str(raised.value)
    assert "zeb" not in str(raised.value)
    assert raised.value.__cause__ is None
