"""Checks DATABASE_URL before libpq sees it: libpq's own messages show parts of the URL, and so of a password.

The syntax is that of https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-CONNSTRING-URIS.
A URL that can be read in two ways is refused: with an unencoded `@` or `/` in the password, libpq would take the end
of the password for a host and show it in "failed to resolve host". The messages here show the name of a parameter at
most.
"""

import re
from collections.abc import Iterator
from urllib.parse import unquote

from pyrus_etl.errors import SettingsError
from pyrus_etl.settings.secret import Secret

MAX_PORT = 65535
_ENCODE = "percent-encode special characters in the user and password: @ as %40, / as %2F, : as %3A, # as %23"
_HOST = re.compile(r"(?P<host>\[[0-9A-Fa-f:.]+(%25\w+)?\]|[^\[\]:]*)(:(?P<port>[^:]*))?")
_VALUES = {
    "channel_binding": {"disable", "prefer", "require"},
    "gssencmode": {"disable", "prefer", "require"},
    "load_balance_hosts": {"disable", "random"},
    "ssl": {"true"},
    "sslcertmode": {"disable", "allow", "require"},
    "sslmode": {"disable", "allow", "prefer", "require", "verify-ca", "verify-full"},
    "sslnegotiation": {"postgres", "direct"},
    "target_session_attrs": {"any", "read-write", "read-only", "primary", "standby", "prefer-standby"},
}
"""The valid values of parameters that have a few; libpq accepts `ssl=true` because JDBC writes it so."""


def parse_database_url(text: str, source: str) -> Secret | None:
    """Returns the URL in the form that libpq accepts, or None if `text` is empty.

    Raises SettingsError, which names the `source`, if libpq would not accept the URL.
    """
    if not text:
        return None
    scheme, _, rest = text.partition("://")
    if scheme not in ("postgresql", "postgres", "postgresql+psycopg", "postgres+psycopg"):
        raise SettingsError(
            f"{source} is not a PostgreSQL URL; write it like postgresql://user@host:5432/database, without quotes."
        )
    if fault := next(_faults(rest), None):
        raise SettingsError(f"{source}: {fault}.")
    return Secret(f"postgresql://{rest}")


def _faults(rest: str) -> Iterator[str]:
    """Yields the reasons to refuse `rest`, the part after `postgresql://`."""
    authority, tail = re.match(r"([^/?]*)(.*)", rest, re.DOTALL).groups()  # type: ignore[union-attr] # it always matches
    if "#" in rest or "@" in tail or authority.count("@") > 1:
        yield f"it can be read in more than one way; {_ENCODE}"
    yield from _encoding_faults(rest)
    yield from _host_faults(authority.rpartition("@")[2])
    yield from _query_faults(tail.partition("?")[2])
    if not _is_parsed_by_libpq(rest):
        yield f"libpq cannot parse it; write it like postgresql://user@host:5432/database, and {_ENCODE}"


def _encoding_faults(rest: str) -> Iterator[str]:
    if " " in rest:
        yield "it contains a space; write %20 instead"
    if re.search(r"%(?![0-9a-fA-F]{2})", rest):
        yield "a % is not followed by two hexadecimal digits; write %25 for a percent sign"
    try:
        decoded = unquote(rest, errors="strict")
    except UnicodeDecodeError:
        yield "its %-codes are not UTF-8; é, for example, is %C3%A9"
    else:
        if "\0" in decoded:
            yield "it contains %00, which PostgreSQL does not accept"


def _host_faults(hosts: str) -> Iterator[str]:
    for part in hosts.split(","):
        match = _HOST.fullmatch(part)
        if not match:
            yield f"its host is not valid; write IPv6 addresses in brackets, like [::1]:5432, and {_ENCODE}"
        elif not _is_host(unquote(match["host"])):
            yield f"its host has characters that are not allowed in a host name; {_ENCODE}"
        elif not _is_port(match["port"] or ""):
            yield f"its port is not a number from 1 to {MAX_PORT}; if it belongs to a password, {_ENCODE}"


def _is_host(host: str) -> bool:
    """Returns whether `host` is a name, an address, or the folder of a socket."""
    return host.startswith(("/", "[")) or re.fullmatch(r"(@?[\w.-]+)?", host) is not None


def _is_port(port: str) -> bool:
    return not port or (re.fullmatch(r"[0-9]{1,5}", port) is not None and 1 <= int(port) <= MAX_PORT)


def _query_faults(query: str) -> Iterator[str]:
    for part in query.split("&") if query else []:
        name, equals, value = (unquote(each) for each in part.partition("="))
        if not equals or "=" in part.partition("=")[2]:
            yield "each parameter after the ? must be name=value; in a value, write & as %26 and = as %3D"
        elif name not in _known() and not (name == "ssl" and value == "true"):
            shown = name if re.fullmatch(r"\w[\w.-]{0,40}", name) else "…"
            yield f"PostgreSQL's client library does not know the parameter {shown!r}; remove it"
        elif name == "port" and not all(map(_is_port, value.split(","))):
            yield f"its port is not a number from 1 to {MAX_PORT}"
        elif name in _VALUES and value not in _VALUES[name]:
            yield f"{name} must be one of {', '.join(sorted(_VALUES[name]))}"


def _known() -> set[str]:
    from psycopg.pq import Conninfo  # imported only if there is a URL: it takes longer than everything else in --help

    return {option.keyword.decode() for option in Conninfo.get_defaults()}


def _is_parsed_by_libpq(rest: str) -> bool:
    """Returns whether libpq can parse the URL. Its message is not passed on, because it shows the text."""
    from psycopg import ProgrammingError
    from psycopg.conninfo import conninfo_to_dict

    try:
        conninfo_to_dict(f"postgresql://{rest}")
    except (ProgrammingError, UnicodeError):
        return False
    return True
