"""`--listen`: an address and a port."""

from pyrus_etl.errors import SettingsError
from pyrus_etl.serve.http import Address


def parse_address(text: str) -> Address:
    """Parses host:port, such as 127.0.0.1:8080 or [::1]:8080."""
    host, colon, port = text.rpartition(":")
    is_bare = ":" in host and not (host.startswith("[") and host.endswith("]"))
    if not (colon and host and port.isdecimal() and int(port) < 1 << 16) or is_bare:
        raise SettingsError(f"--listen: {text!r} is not an address with a port; write it like 127.0.0.1:8080.")
    return Address(host.strip("[]"), int(port))
