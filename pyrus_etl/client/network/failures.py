"""Why a request got no answer: a sentence for the user, and whether another try may help.

Messages of aiohttp are never shown: they contain addresses and headers, which may hold secrets.
"""

import os
import ssl
from urllib.parse import urlsplit

import aiohttp

from pyrus_etl.client.meaning import Again
from pyrus_etl.client.network.proxy import EXAMPLE, Proxy
from pyrus_etl.client.network.unpack import BadPacking
from pyrus_etl.errors import PyrusUnreachable

Failure = Again | PyrusUnreachable

PASSING_REFUSALS = (408, 425, 429)
NOT_YET_VALID, EXPIRED, NAME_MISMATCH, ADDRESS_MISMATCH = 9, 10, 62, 64
"""OpenSSL's X509_V_ERR_… (https://docs.openssl.org/3.0/man3/X509_STORE_CTX_get_error/)."""

_NO_TLS = "does not speak TLS on that port; check the port and the https:// in {setting}"
_OLD_TLS = "offers only outdated TLS; it must offer TLS 1.2 or newer"
LASTING_FAULTS_OF_TLS = {
    "WRONG_VERSION_NUMBER": _NO_TLS,
    "RECORD_LAYER_FAILURE": _NO_TLS,
    "PACKET_LENGTH_TOO_LONG": _NO_TLS,
    "UNKNOWN_PROTOCOL": _NO_TLS,
    "UNSUPPORTED_PROTOCOL": _OLD_TLS,
    "TLSV1_ALERT_PROTOCOL_VERSION": _OLD_TLS,
    "DH_KEY_TOO_SMALL": _OLD_TLS,
    "SSLV3_ALERT_HANDSHAKE_FAILURE": (
        "refuses the TLS handshake; it must offer TLS 1.2 or newer, and not ask for a client certificate"
    ),
    "TLSV13_ALERT_CERTIFICATE_REQUIRED": "asks for a client certificate, which pyrus-etl cannot send; check {setting}",
    "TLSV1_UNRECOGNIZED_NAME": "does not know the host name; check {setting}",
}
"""OpenSSL's reasons that no further try will change, in plain words."""


def failure_of(error: Exception, origin: str, setting: str, proxy: Proxy | None) -> Failure:
    """Returns Again if another try may help; PyrusUnreachable, with the remedy, if only a person can.

    `setting` is the one that names the origin.
    """
    if proxy and isinstance(error, aiohttp.ClientHttpProxyError):
        return _refusal(error, urlsplit(origin).hostname or "", proxy)
    peer, setting = _peer(error, origin, setting, proxy)
    if lasting := _of_tls(_tls_error(error), peer, setting):
        return _final(lasting)
    via = f" through {proxy}" if proxy and peer != str(proxy) else ""
    if isinstance(error, aiohttp.ConnectionTimeoutError):
        named = proxy.variable if proxy else setting
        return Again(f"no connection to {peer}{via} in time; check {named} and the network", reached=False)
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return Again(
            f"the name of {peer} cannot be looked up ({error.strerror}); check {setting} and DNS", reached=False
        )
    if isinstance(error, aiohttp.ClientConnectorError):
        return Again(
            f"{peer} cannot be reached{via} ({_reason(error)}); check {setting} and the network", reached=False
        )
    return Again(f"{broken(error)}{via}")


def _refusal(error: aiohttp.ClientHttpProxyError, host: str, proxy: Proxy) -> Failure:
    """Why a proxy opens no tunnel."""
    bypass = f"or put {host} into NO_PROXY if it can be reached directly"
    if error.status == 407:
        return _final(_login_wanted(error, proxy))
    if error.status == 403:
        return _final(f"{proxy} does not allow access to {host} (403); ask its administrator to allow it, {bypass}")
    if error.status < 500 and error.status not in PASSING_REFUSALS:
        return _final(f"{proxy} answers {error.status} to CONNECT; set an HTTP proxy that opens tunnels, {bypass}")
    return Again(
        f"{proxy} cannot reach {host} ({error.status}); check the network of the proxy, {bypass}", reached=False
    )


def _login_wanted(error: aiohttp.ClientHttpProxyError, proxy: Proxy) -> str:
    offered = error.headers.getall("Proxy-Authenticate", []) if error.headers else []
    if offered and not any("basic" in scheme.lower() for scheme in offered):
        return f"{proxy} requires a login other than Basic (407), which pyrus-etl does not support; use another proxy"
    if proxy.authorization:
        return f"{proxy} does not accept its user and password (407); correct them in {proxy.variable}"
    return f"{proxy} asks for a user and a password (407); add them to {proxy.variable}, for example {EXAMPLE}"


def _peer(error: Exception, origin: str, setting: str, proxy: Proxy | None) -> tuple[str, str]:
    """The host that failed, as far as the error shows, and the setting that names it."""
    at = (getattr(error, "host", None), getattr(error, "port", None))
    if proxy and at == (proxy.url.raw_host, proxy.url.port):
        return str(proxy), proxy.variable
    return urlsplit(origin).netloc, setting


def _tls_error(error: Exception) -> BaseException | None:
    """OpenSSL's error behind one of aiohttp's, if any."""
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        return error.certificate_error
    return error.os_error if isinstance(error, aiohttp.ClientConnectorError) else None


def _of_tls(error: BaseException | None, peer: str, setting: str) -> str | None:
    """Describes a fault of TLS that no further try will change; None if it may pass, or is another fault."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"the certificate of {peer} {_of_certificate(error, setting)}"
    lasting = LASTING_FAULTS_OF_TLS.get(error.reason) if isinstance(error, ssl.SSLError) else None
    return lasting and f"{peer} {lasting.format(setting=setting)}"


def _of_certificate(error: ssl.SSLCertVerificationError, setting: str) -> str:
    if error.verify_code in (NAME_MISMATCH, ADDRESS_MISMATCH):
        return f"is for another host name; use the name in the certificate in {setting}"
    if error.verify_code in (NOT_YET_VALID, EXPIRED):
        return f"is not valid today ({error.verify_message}); renew it, or correct the clock of this machine"
    file = os.environ.get("SSL_CERT_FILE")
    return (
        f"is not trusted ({error.verify_message}); if it is your company's, set SSL_CERT_FILE"
        f"{f', now {file},' if file else ''} to a file with the certificate of its authority (PEM)"
    )


def _reason(error: OSError) -> str:
    return os.strerror(error.errno) if error.errno else "the connection was closed"


def broken(error: Exception) -> str:
    """How an exchange failed after it had begun."""
    if isinstance(error, aiohttp.ServerDisconnectedError):
        return "the connection was closed without an answer"
    if isinstance(error, TimeoutError):
        return "the answer did not come in time"
    if isinstance(error, BadPacking):
        return str(error)
    if isinstance(error, aiohttp.ClientPayloadError):
        return "the body broke off"
    if isinstance(error, aiohttp.ClientResponseError):
        return "the answer is not HTTP (is it TLS?), or its header is too long"
    return _reason(error) if isinstance(error, OSError) else f"the request cannot be sent ({type(error).__name__})"


def _final(text: str) -> PyrusUnreachable:
    return PyrusUnreachable(f"The{text[3:]}." if text.startswith("the ") else f"{text}.")
