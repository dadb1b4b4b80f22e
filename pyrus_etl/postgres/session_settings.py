"""Settings of a session that change what our SQL means, and the values that we need.

They come from postgresql.conf, ALTER DATABASE, ALTER ROLE or the URL. A pooler that shares sessions between
transactions loses what is SET for a session. So we request them in the startup packet, and only if they are not right
already: https://www.postgresql.org/docs/current/runtime-config-client.html.
"""

from collections.abc import Mapping
from typing import Any

import psycopg

WANTED = {
    "standard_conforming_strings": "on",
    "array_nulls": "on",
    "transform_null_equals": "off",
    "exit_on_error": "off",
    "quote_all_identifiers": "off",
    "DateStyle": "ISO",
    "IntervalStyle": "postgres",
    "extra_float_digits": "1",
    "default_transaction_isolation": "read committed",
    "search_path": "pg_catalog",
}
"""In this order: backslashes in strings, NULL in arrays, `= NULL`, what an error ends, quotes in the text of views,
dates, intervals and numbers as text, what a transaction sees, names without a schema. Our SQL relies on each."""

_SETTINGS = ", ".join(f"pg_catalog.current_setting('{name}')" for name in WANTED)
_THEIRS = """
    SELECT FROM pg_catalog.pg_{kind} AS theirs
    JOIN pg_catalog.pg_namespace AS schema ON schema.oid = theirs.{prefix}namespace
    JOIN pg_catalog.pg_{kind} AS original
      ON original.{prefix}name = theirs.{prefix}name AND original.{prefix}namespace = 'pg_catalog'::regnamespace
    WHERE nspname <> 'pg_catalog' AND nspname = ANY (pg_catalog.current_schemas(false)) AND NOT EXISTS (
        SELECT FROM pg_catalog.pg_depend AS member
        WHERE classid = 'pg_catalog.pg_{kind}'::regclass AND objid = theirs.oid AND deptype = 'e'
    )
"""
"""Functions or operators in the search path that belong to no extension and are named like PostgreSQL's own."""
_ASK = f"""
    SELECT pg_catalog.current_schemas(true)::text[],
           EXISTS ({_THEIRS.format(kind="proc", prefix="pro")})
           OR EXISTS ({_THEIRS.format(kind="operator", prefix="opr")}),
           {_SETTINGS}
"""


def wrong_settings(connection: psycopg.Connection[Any]) -> dict[str, str]:
    """The settings of the session that differ from `WANTED`, with their values.

    A search path is wrong only if functions or operators in it may be taken for PostgreSQL's own. Those of extensions
    do not count: they are meant to be distinguished.
    """
    path, is_shadowed, *found = connection.execute(_ASK).fetchone() or ([], False)
    values = dict(zip(WANTED, found, strict=True))
    first = next((schema for schema in path if not schema.startswith("pg_temp")), "pg_catalog")
    fine = {
        "DateStyle": values["DateStyle"].startswith("ISO"),
        "extra_float_digits": int(values["extra_float_digits"]) > 0,
        "search_path": first == "pg_catalog" and not is_shadowed,
    }
    return {name: value for name, value in values.items() if not fine.get(name, value == WANTED[name])}


def options(wrong: Mapping[str, str], given: str) -> str:
    """The startup options that correct these settings, after those already given."""
    corrections = (f"-c {name}={WANTED[name].replace(' ', chr(92) + ' ')}" for name in wrong)
    return " ".join([given, *corrections]).strip()


def remedy(wrong: Mapping[str, str], role: str) -> str:
    """What to do if startup options cannot correct them."""
    statements = (f"ALTER ROLE {role} SET {name} = {_quoted(WANTED[name])}" for name in wrong)
    found = ", ".join(f"{name} is {value}" for name, value in wrong.items())
    return (
        f"The session's settings change what SQL means, and the server or a pooler keeps them: {found}; run "
        + "; ".join(statements)
    )


def _quoted(value: str) -> str:
    return f"'{value}'" if " " in value else value
