"""Connection URLs for libpq, and what its environment variables may add to them.

If a URL does not give a parameter, libpq takes it from a variable such as PGHOSTADDR, PGSERVICE or PGOPTIONS:
https://www.postgresql.org/docs/current/libpq-envars.html. For the embedded database, none of them applies. For a
DATABASE_URL they apply, as in every program that uses libpq, but a host in the URL is always the host used.
"""

import os
import re
import shutil
import subprocess
from collections.abc import Iterable, Mapping
from urllib.parse import quote

from psycopg.conninfo import conninfo_to_dict
from psycopg.pq import Conninfo

from pyrus_etl.settings import Secret

Parts = dict[str, str]

_OF_LIBPQ = re.compile(r"PG[A-Z][A-Z_]+")
_DEFAULTS = {
    "connect_timeout": "10",
    "min_protocol_version": "3.0",
    "max_protocol_version": "3.0",
    "sslcertmode": "allow",
}
"""Neutral values, for parameters that cannot be empty and whose default libpq does not report."""
_UNGUARDED = {"service", "client_encoding", "application_name", "password", "passfile"}
"""`service` has no neutral value; the program that connects chooses the others."""
_SINCE = {
    "require_auth": 16,
    "load_balance_hosts": 16,
    "sslcertmode": 16,
    "gssdelegation": 16,
    "sslnegotiation": 17,
    "min_protocol_version": 18,
    "max_protocol_version": 18,
}
"""The first version of libpq that has a parameter. An older one refuses a URL with it and ignores its variable."""


def parts_of(url: Secret) -> Parts:
    """The parameters that a URL gives."""
    return {name: str(value) for name, value in conninfo_to_dict(url.reveal()).items()}


def without_secrets(parts: Mapping[str, str]) -> Parts:
    """The parameters that are not secret: `db url` prints them, and every user of the machine sees psql's arguments."""
    secret = {option.keyword.decode() for option in Conninfo.get_defaults() if option.dispchar == b"*"}
    return {name: value for name, value in parts.items() if name not in secret and not name.startswith("scram_")}


def uri(parts: Mapping[str, str]) -> str:
    """A URL from which libpq reads exactly these parameters: it decodes %20, and a + is a plus."""
    rest = dict(parts)
    user, database = rest.pop("user", ""), rest.pop("dbname", "")
    place = ""
    if re.fullmatch(r"[A-Za-z0-9_.-]+", rest.get("host", "")) and rest.get("port", "0").isdecimal():
        place = rest.pop("host") + (f":{rest.pop('port')}" if "port" in rest else "")
    authority = f"{quote(user, safe='')}@{place}" if user else place
    query = "&".join(f"{name}={quote(value, safe='')}" for name, value in rest.items())
    return f"postgresql://{authority}/{quote(database, safe='')}" + (f"?{query}" if query else "")


def forget_environment() -> None:
    """Removes libpq's variables from this process and the programs that it starts."""
    for name in filter(_OF_LIBPQ.fullmatch, list(os.environ)):
        del os.environ[name]


def keep_host(url: Secret) -> None:
    """If the URL gives a host, removes PGHOSTADDR, which would win over it."""
    if parts_of(url).get("host"):
        os.environ.pop("PGHOSTADDR", None)


def complete(url: Secret, environment: Mapping[str, str]) -> Secret:
    """The URL with what libpq would take from the environment, for use after `forget_environment`."""
    given = {
        option.keyword.decode(): environment[variable]
        for option in Conninfo.get_defaults()
        if (variable := (option.envvar or b"").decode()) in environment
    }
    return Secret(uri(given | parts_of(url)))


def guarded(parts: Mapping[str, str], environment: Mapping[str, str], only: Iterable[str] = ()) -> Parts:
    """The parameters, plus a neutral value for each other one that the environment sets, so that it has no effect.

    Parameters that the environment does not set are left out: programs without libpq refuse many of them. `only` limits
    the added ones to these names.
    """
    version = _version_of_psql(environment)
    added = {
        keyword: _DEFAULTS.get(keyword, option.compiled.decode() if option.compiled else "")
        for option in Conninfo.get_defaults()
        if (keyword := option.keyword.decode()) not in {*parts, *_UNGUARDED}
        and (option.envvar or b"").decode() in environment
        and (not only or keyword in only)
        and _SINCE.get(keyword, 0) <= version
    }
    return {**parts, **added}


def _version_of_psql(environment: Mapping[str, str]) -> int:
    """The major version of the user's psql; a large number if there is none, or no parameter depends on it."""
    newest, psql = 99, shutil.which("psql", path=environment.get("PATH"))
    if psql is None or not any(_OF_LIBPQ.fullmatch(name) for name in environment):
        return newest
    output = subprocess.run([psql, "--version"], capture_output=True, text=True, check=False).stdout
    found = re.search(r"(\d+)", output)
    return int(found[1]) if found else newest
