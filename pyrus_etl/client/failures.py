"""What a request that brought no answer means: a sentence, and whether another try may help.

No message of aiohttp is shown. They hold addresses and headers, with whatever secrets these have.
"""

import os
import ssl
from urllib.parse import urlsplit

import aiohttp

from pyrus_etl.client.meaning import Again
from pyrus_etl.client.proxy import EXAMPLE, Proxy
from pyrus_etl.errors import PyrusUnreachable

Failure = Again | PyrusUnreachable

PASSING_REFUSALS = (408, 425, 429)
NOT_YET_VALID, EXPIRED, NAME_MISMATCH, ADDRESS_MISMATCH = 9, 10, 62, 64
"""OpenSSL's numbers, X509_V_ERR_…"""

_NO_TLS = "does not speak TLS there; check the port and the https:// in {setting}"
_OLD_TLS = "offers no TLS that is safe today; it has to offer TLS 1.2 or newer"
LASTING_FAULTS_OF_TLS = {
    "WRONG_VERSION_NUMBER": _NO_TLS,
    "RECORD_LAYER_FAILURE": _NO_TLS,
    "PACKET_LENGTH_TOO_LONG": _NO_TLS,
    "UNKNOWN_PROTOCOL": _NO_TLS,
    "UNSUPPORTED_PROTOCOL": _OLD_TLS,
    "TLSV1_ALERT_PROTOCOL_VERSION": _OLD_TLS,
    "DH_KEY_TOO_SMALL": _OLD_TLS,
    "SSLV3_ALERT_HANDSHAKE_FAILURE": (
        "refuses the TLS handshake; it has to offer TLS 1.2 or newer, and to ask for no client certificate"
    ),
    "TLSV13_ALERT_CERTIFICATE_REQUIRED": "asks for a client certificate, which pyrus-etl cannot give; check {setting}",
    "TLSV1_UNRECOGNIZED_NAME": "serves no such name; check {setting}",
}
"""What the reasons of OpenSSL mean that stay, however often one tries."""


def failure_of(error: Exception, origin: str, proxy: Proxy | None) -> Failure:
    """Again if another try may bring an answer; PyrusUnreachable, with the remedy, if only a person can help."""
    if proxy and isinstance(error, aiohttp.ClientHttpProxyError):
        return _refusal(error, urlsplit(origin).hostname or "", proxy)
    peer, setting = _peer(error, origin, proxy)
    if isinstance(error.__cause__, ssl.SSLError) and (lasting := _of_tls(error.__cause__, peer, setting)):
        return _final(lasting)
    way = f" through {proxy}" if proxy and peer != str(proxy) else ""
    if isinstance(error, aiohttp.ConnectionTimeoutError):
        named = proxy.variable if proxy else setting
        return Again(f"no connection to {peer}{way} in time; check {named} and the network", reached=False)
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return Again(f"the name of {peer} cannot be looked up ({error.strerror}); check {setting}", reached=False)
    if isinstance(error, aiohttp.ClientConnectorError):
        return Again(f"{peer} cannot be reached{way} ({_reason(error)}); check {setting}", reached=False)
    return Again(f"{_broken(error)}{way}")


def _refusal(error: aiohttp.ClientHttpProxyError, host: str, proxy: Proxy) -> Failure:
    """What a proxy means that opens no tunnel."""
    way_out = f"or put {host} into NO_PROXY if it can be reached directly"
    if error.status == 407:
        return _final(_login_wanted(error, proxy))
    if error.status == 403:
        return _final(f"{proxy} forbids the way to {host} (403); ask whoever runs it to allow that, {way_out}")
    if error.status < 500 and error.status not in PASSING_REFUSALS:
        return _final(f"{proxy} answers {error.status} to CONNECT; name an HTTP proxy that opens tunnels, {way_out}")
    return Again(
        f"{proxy} finds no way to {host} ({error.status}); see that it can reach that host, {way_out}", reached=False
    )


def _login_wanted(error: aiohttp.ClientHttpProxyError, proxy: Proxy) -> str:
    offered = error.headers.getall("Proxy-Authenticate", []) if error.headers else []
    if offered and not any("basic" in scheme.lower() for scheme in offered):
        return f"{proxy} wants another login than Basic (407), which pyrus-etl does not know; use another proxy"
    if proxy.authorization:
        return f"{proxy} does not accept its user and password (407); correct them in {proxy.variable}"
    return f"{proxy} asks for a user and a password (407); write them into {proxy.variable}, like {EXAMPLE}"


def _peer(error: Exception, origin: str, proxy: Proxy | None) -> tuple[str, str]:
    """Who failed, as far as the error tells, and the setting that names them."""
    at = (getattr(error, "host", None), getattr(error, "port", None))
    if proxy and at == (proxy.url.raw_host, proxy.url.port):
        return str(proxy), proxy.variable
    return urlsplit(origin).netloc, "PYRUS_URL"


def _of_tls(error: ssl.SSLError, peer: str, setting: str) -> str | None:
    """What is wrong if it stays so; None for a fault that may pass."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"the certificate of {peer} {_of_certificate(error, setting)}"
    lasting = LASTING_FAULTS_OF_TLS.get(error.reason)
    return lasting and f"{peer} {lasting.format(setting=setting)}"


def _of_certificate(error: ssl.SSLCertVerificationError, setting: str) -> str:
    if error.verify_code in (NAME_MISMATCH, ADDRESS_MISMATCH):
        return f"is for another name; write the name that it has into {setting}"
    if error.verify_code in (NOT_YET_VALID, EXPIRED):
        return f"is not valid today ({error.verify_message}); renew it, or set the clock of this machine right"
    file = os.environ.get("SSL_CERT_FILE")
    return (
        f"is not trusted ({error.verify_message}); if it is your company's, set SSL_CERT_FILE"
        f"{f', now {file},' if file else ''} to a file with the certificate of its authority (PEM)"
    )


def _reason(error: OSError) -> str:
    return os.strerror(error.errno) if error.errno else "the connection was closed"


def _broken(error: Exception) -> str:
    """How an exchange broke off that had begun."""
    if isinstance(error, aiohttp.ServerDisconnectedError):
        return "the connection was closed without an answer"
    if isinstance(error, TimeoutError):
        return "the answer did not come in time"
    if isinstance(error, aiohttp.ClientPayloadError):
        return f"the body broke off or cannot be unpacked ({type(error.__cause__ or error).__name__})"
    if isinstance(error, aiohttp.ClientResponseError):
        return "what came back is not HTTP (is it TLS?), or its header is too long"
    return _reason(error) if isinstance(error, OSError) else f"it cannot be asked ({type(error).__name__})"


def _final(text: str) -> PyrusUnreachable:
    return PyrusUnreachable(f"The{text[3:]}." if text.startswith("the ") else f"{text}.")
