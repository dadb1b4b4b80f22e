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
_PATH = """
    SELECT oid FROM pg_catalog.pg_namespace
    WHERE nspname <> 'pg_catalog' AND nspname = ANY (pg_catalog.current_schemas(false))
"""
_THEIRS = """
    SELECT FROM pg_catalog.pg_{kind} AS theirs
    JOIN pg_catalog.pg_{kind} AS original
      ON original.{prefix}name = theirs.{prefix}name AND original.{prefix}namespace = 'pg_catalog'::regnamespace
    WHERE theirs.{prefix}namespace IN ({path}) AND NOT EXISTS (
        SELECT FROM pg_catalog.pg_depend AS member
        WHERE classid = 'pg_catalog.pg_{kind}'::regclass AND objid = theirs.oid AND deptype = 'e'
    )
"""
"""Functions or operators in the search path that belong to no extension and are named like PostgreSQL's own."""
_IS_SHADOWED = f"""
    SELECT EXISTS ({_THEIRS.format(kind="proc", prefix="pro", path=_PATH)})
        OR EXISTS ({_THEIRS.format(kind="operator", prefix="opr", path=_PATH)})
"""
_ASK = f"""
    SELECT pg_catalog.current_schemas(true)::text[],
           EXISTS (
               SELECT FROM pg_catalog.pg_depend
               WHERE refclassid = 'pg_catalog.pg_namespace'::regclass AND refobjid = ANY (ARRAY({_PATH}))
                 AND classid IN ('pg_catalog.pg_proc'::regclass, 'pg_catalog.pg_operator'::regclass)
           ),
           {_SETTINGS}
"""  # noqa: S608 -- constants
"""The search path, whether it has any function or operator except PostgreSQL's own, and the settings. Each of them
depends on its schema, so an index of pg_depend answers, and not a look at all that PostgreSQL has."""


def wrong_settings(connection: psycopg.Connection[Any]) -> dict[str, str]:
    """The settings of the session that differ from `WANTED`, with their values.

    A search path is wrong only if functions or operators in it may be taken for PostgreSQL's own. Those of extensions
    do not count: they are meant to be distinguished.
    """
    path, may_be_shadowed, *found = connection.execute(_ASK).fetchone() or ([], False)
    values = dict(zip(WANTED, found, strict=True))
    first = next((schema for schema in path if not schema.startswith("pg_temp")), "pg_catalog")
    fine = {
        "DateStyle": values["DateStyle"].startswith("ISO"),
        "extra_float_digits": int(values["extra_float_digits"]) > 0,
        "search_path": first == "pg_catalog" and not (may_be_shadowed and _is_shadowed(connection)),
    }
    return {name: value for name, value in values.items() if not fine.get(name, value == WANTED[name])}


def _is_shadowed(connection: psycopg.Connection[Any]) -> bool:
    (found,) = connection.execute(_IS_SHADOWED).fetchone() or (False,)
    return bool(found)


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
