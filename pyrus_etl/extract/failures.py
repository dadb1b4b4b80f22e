"""What a request that brought no answer means: a sentence, and whether another try may help.

No message of aiohttp is shown. They hold addresses and headers, with whatever secrets these have.
"""

import os
import ssl
from urllib.parse import urlsplit

import aiohttp

from pyrus_etl.errors import PyrusUnreachable
from pyrus_etl.extract.answer import Again
from pyrus_etl.extract.proxy import EXAMPLE, Proxy

Failure = Again | PyrusUnreachable

PASSING_REFUSALS = (408, 425, 429)
HOST_NAME_MISMATCH, ADDRESS_MISMATCH, NOT_YET_VALID, EXPIRED = 62, 64, 9, 10
"""OpenSSL's numbers, X509_V_ERR_…"""
NO_TLS = {"WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE", "PACKET_LENGTH_TOO_LONG", "UNKNOWN_PROTOCOL", "HTTP_REQUEST"}
NO_COMMON_TLS = {
    "TLSV1_ALERT_PROTOCOL_VERSION",
    "UNSUPPORTED_PROTOCOL",
    "SSLV3_ALERT_HANDSHAKE_FAILURE",
    "NO_PROTOCOLS_AVAILABLE",
    "DH_KEY_TOO_SMALL",
}
CLIENT_CERTIFICATE_WANTED = "TLSV13_ALERT_CERTIFICATE_REQUIRED"


def failure_of(error: Exception, origin: str, proxy: Proxy | None) -> Failure:
    """Again if another try may bring an answer; PyrusUnreachable, with the remedy, if only a person can help."""
    if proxy and isinstance(error, aiohttp.ClientHttpProxyError):
        return _refusal(error, urlsplit(origin).hostname or "", proxy)
    peer, setting = _peer(error, origin, proxy)
    if isinstance(error.__cause__, ssl.SSLError) and (sentence := _of_tls(error.__cause__, peer, setting)):
        return PyrusUnreachable(sentence)
    way = f" through {proxy}" if proxy and peer != str(proxy) else ""
    if isinstance(error, aiohttp.ConnectionTimeoutError):
        return Again(f"no connection to {peer}{way} in time; check {setting} and the network", reached=False)
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return Again(f"the name server does not know {peer}; check {setting} and the network", reached=False)
    if isinstance(error, aiohttp.ClientConnectorError):
        return Again(f"{peer} cannot be reached{way} ({_reason(error)}); check {setting}", reached=False)
    return Again(f"{_broken(error)}{way}")


def _refusal(error: aiohttp.ClientHttpProxyError, host: str, proxy: Proxy) -> Failure:
    """What a proxy means that opens no tunnel."""
    way_out = f"or put {host} into NO_PROXY if it can be reached directly"
    if error.status == 407:
        return PyrusUnreachable(_capitalized(_login_wanted(error, proxy)))
    if error.status == 403:
        return PyrusUnreachable(
            _capitalized(f"{proxy} forbids the way to {host} (403); ask whoever runs it to allow that, {way_out}.")
        )
    if error.status < 500 and error.status not in PASSING_REFUSALS:
        return PyrusUnreachable(
            _capitalized(
                f"{proxy} answers {error.status} to CONNECT; name an HTTP proxy that opens tunnels, {way_out}."
            )
        )
    return Again(
        f"{proxy} finds no way to {host} ({error.status}); see that it can reach that host, {way_out}", reached=False
    )


def _login_wanted(error: aiohttp.ClientHttpProxyError, proxy: Proxy) -> str:
    offered = error.headers.getall("Proxy-Authenticate", []) if error.headers else []
    if offered and not any("basic" in scheme.lower() for scheme in offered):
        return f"{proxy} wants another login than Basic (407), which pyrus-etl does not know; use a proxy without."
    if proxy.authorization:
        return f"{proxy} does not accept its user and password (407); correct them in {proxy.variable}."
    return f"{proxy} asks for a user and a password (407); write them into {proxy.variable}, like {EXAMPLE}."


def _peer(error: Exception, origin: str, proxy: Proxy | None) -> tuple[str, str]:
    """Who failed, as far as the error tells, and the setting that names them."""
    at = (getattr(error, "host", None), getattr(error, "port", None))
    if proxy and at == (proxy.url.raw_host, proxy.url.port):
        return str(proxy), proxy.variable
    return urlsplit(origin).netloc, "PYRUS_URL"


def _of_tls(error: ssl.SSLError, peer: str, setting: str) -> str | None:
    """The sentence for a fault of TLS that stays; None for one that may pass."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return _of_certificate(error, peer, setting)
    if error.reason in NO_TLS:
        return _capitalized(f"{peer} does not speak TLS there; check the port and the https:// in {setting}.")
    if error.reason in NO_COMMON_TLS:
        return _capitalized(
            f"{peer} offers no TLS that is safe today ({error.reason}); it has to offer TLS 1.2 or newer."
        )
    if error.reason == CLIENT_CERTIFICATE_WANTED:
        return _capitalized(f"{peer} asks for a client certificate, which pyrus-etl cannot give; see {setting}.")
    return None


def _of_certificate(error: ssl.SSLCertVerificationError, peer: str, setting: str) -> str:
    which = f"The certificate of {peer}"
    if error.verify_code in (HOST_NAME_MISMATCH, ADDRESS_MISMATCH):
        return f"{which} is for another name; write the name that it has into {setting}."
    if error.verify_code in (NOT_YET_VALID, EXPIRED):
        return f"{which} is not valid today ({error.verify_message}); renew it, or set the clock of this machine right."
    file = os.environ.get("SSL_CERT_FILE")
    now = f", which is {file} now," if file else ""
    return (
        f"{which} is not trusted ({error.verify_message}); if it is your company's, set SSL_CERT_FILE{now} to a file "
        "with the certificate of its authority (PEM)."
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
        return "what came back is not HTTP, or its header is too long"
    return _reason(error) if isinstance(error, OSError) else type(error).__name__


def _capitalized(sentence: str) -> str:
    return sentence[0].upper() + sentence[1:]
