"""Which certificates are trusted: those of the system, or those that SSL_CERT_FILE and SSL_CERT_DIR name."""

import os
import ssl

from pyrus_etl.errors import SettingsError


def trust() -> ssl.SSLContext:
    """How a server has to prove who it is; raises SettingsError if SSL_CERT_FILE or SSL_CERT_DIR cannot be used.

    It is as strict as curl: OpenSSL does not check the formalities that Python 3.13 added (RFC 5280), which the
    authorities of many companies do not keep; and a file may hold the server's own certificate alone.
    """
    context = ssl.create_default_context()
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    context.set_alpn_protocols(["http/1.1"])
    if file := os.environ.get("SSL_CERT_FILE"):
        _check_file(context, file)
    if (folders := os.environ.get("SSL_CERT_DIR")) and not any(map(os.path.isdir, folders.split(os.pathsep))):
        raise SettingsError(f"SSL_CERT_DIR: there is no folder {folders}; name one with certificates, or unset it.")
    return context


def _check_file(context: ssl.SSLContext, file: str) -> None:
    """OpenSSL itself passes over a file that it cannot read."""
    try:
        context.load_verify_locations(file)
    except ssl.SSLError:
        raise SettingsError(
            f"SSL_CERT_FILE: {file} holds no certificate in PEM (-----BEGIN CERTIFICATE-----); name a file that does."
        ) from None
    except OSError as error:
        raise SettingsError(
            f"SSL_CERT_FILE: {file} cannot be read: {error.strerror}; name a file with certificates, or unset it."
        ) from error
