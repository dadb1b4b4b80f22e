"""The proxy set in the environment (HTTPS_PROXY, ALL_PROXY, NO_PROXY), read as curl does."""

import os
import re
from base64 import b64encode
from contextlib import suppress
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import NamedTuple
from urllib.parse import unquote, unquote_to_bytes, urlsplit
from urllib.request import getproxies, proxy_bypass

from yarl import URL

from pyrus_etl.errors import SettingsError
from pyrus_etl.settings import Secret, is_loopback

VARIABLES = ("https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY")
EXAMPLE = "http://user:password@proxy.example:3128"
PORTS = {"http": 80, "https": 443}
SHORTEST_SECRET = 4

_ADDRESS = re.compile(
    r"(?:(?P<scheme>[a-z][a-z0-9+.-]*)://)?"
    r"(?:(?P<login>.*)@)?"  # up to the last @: a password may hold any character
    r"(?P<host>\[[0-9a-f:.]+\]|\w[\w-]*(?:\.\w[\w-]*)*\.?)"
    r"(?::(?P<port>[0-9]{0,9}))?"
    r"(?:/(?!/)[^@]*)?",  # no @ behind it: what precedes would be a part of the password
    re.IGNORECASE,
)


class Proxy(NamedTuple):
    """A proxy and the variable that names it.

    `url` is without the user and the password. They are in `authorization`, a header for the proxy only. `secrets`:
    their spellings that no message may show, except those too short to be distinguished from other text.
    """

    variable: str
    url: URL
    authorization: Secret | None
    secrets: tuple[Secret, ...]

    @property
    def address(self) -> str:
        """Host and port, for people to read."""
        return f"{self.url.host_subcomponent}:{self.url.port}"

    @property
    def headers(self) -> dict[str, str]:
        return {"Proxy-Authorization": self.authorization.reveal()} if self.authorization else {}

    def __str__(self) -> str:
        return f"the proxy {self.address} ({self.variable})"


def proxy_for(origin: str) -> Proxy | None:
    """The proxy for this origin, or None if it is reached directly, as loopback always is.

    Raises SettingsError if the variable does not name a usable proxy.
    aiohttp's trust_env would also read ~/.netrc and send its password instead of our token.
    """
    parts = urlsplit(origin)
    host, port = parts.hostname or "", parts.port or 443
    if is_loopback(host) or proxy_bypass(f"{host}:{port}") or _is_in_a_network_without_proxy(host):
        return None
    variable, text = _named()
    return _read(variable, text) if text else None


def _named() -> tuple[str, str]:
    for name in VARIABLES:
        if text := os.environ.get(name, "").strip():
            return name, text
    return "the system's settings", getproxies().get("https", "")  # macOS has them


def _is_in_a_network_without_proxy(host: str) -> bool:
    """Whether NO_PROXY has a network that contains this address, such as 10.0.0.0/8; urllib compares names only."""
    excepted = os.environ.get("no_proxy") or os.environ.get("NO_PROXY") or ""
    with suppress(ValueError):
        address = ip_address(host)
        return any(address in network for network in map(_network, excepted.split(",")) if network)
    return False


def _network(text: str) -> IPv4Network | IPv6Network | None:
    with suppress(ValueError):
        return ip_network(text.strip(), strict=False)
    return None


def _read(variable: str, text: str) -> Proxy:
    """Parses the address of a proxy. No message shows the text, because all of it may be a password."""
    parts = _ADDRESS.fullmatch(text) if text.isprintable() else None
    if not parts:
        raise SettingsError(f"{variable} is not the address of a proxy; write it as in {EXAMPLE}.")
    scheme = (parts["scheme"] or "http").lower()
    if scheme not in PORTS:
        kind = "a SOCKS proxy" if scheme.startswith("socks") else "a proxy of an unknown kind"
        raise SettingsError(f"{variable} names {kind}, which pyrus-etl cannot use; set an HTTP proxy, as in {EXAMPLE}.")
    port = int(parts["port"] or PORTS[scheme])
    with suppress(ValueError):
        if 0 < port < 65536:
            url = URL.build(scheme=scheme, host=parts["host"].strip("[]"), port=port)
            return Proxy(variable, url, *_login(parts["login"]))
    raise SettingsError(f"{variable} has no valid host and port; write it as in {EXAMPLE}.")


def _login(text: str | None) -> tuple[Secret | None, tuple[Secret, ...]]:
    """The header for `user:password`, percent-encoded or not, and the spellings that must stay secret."""
    if not text:
        return None, ()
    user, _, password = text.partition(":")
    encoded = b64encode(unquote_to_bytes(user) + b":" + unquote_to_bytes(password)).decode()
    forms = {encoded, user, password, unquote(user), unquote(password)}
    return Secret(f"Basic {encoded}"), tuple(Secret(form) for form in forms if len(form) >= SHORTEST_SECRET)
