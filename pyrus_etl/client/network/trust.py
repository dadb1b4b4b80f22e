"""Trusted certificates: those of the system, or those in SSL_CERT_FILE and SSL_CERT_DIR."""

import os
import ssl

from pyrus_etl.errors import SettingsError


def trust() -> ssl.SSLContext:
    """The TLS settings that verify a server; raises SettingsError if SSL_CERT_FILE or SSL_CERT_DIR cannot be used.

    They are as strict as curl. The checks that Python 3.13 added (RFC 5280) are off, because the authorities of many
    companies fail them: https://docs.python.org/3/whatsnew/3.13.html#ssl. A file may contain just the server's own
    certificate.
    """
    context = ssl.create_default_context()
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    context.set_alpn_protocols(["http/1.1"])
    if file := os.environ.get("SSL_CERT_FILE"):
        _check_file(context, file)
    if (folders := os.environ.get("SSL_CERT_DIR")) and not any(map(os.path.isdir, folders.split(os.pathsep))):
        raise SettingsError(f"SSL_CERT_DIR: there is no folder {folders}; set a folder with certificates, or unset it.")
    return context


def _check_file(context: ssl.SSLContext, file: str) -> None:
    """OpenSSL itself ignores a file that it cannot read."""
    try:
        context.load_verify_locations(file)
    except ssl.SSLError:
        raise SettingsError(
            f"SSL_CERT_FILE: {file} contains no certificate in PEM (-----BEGIN CERTIFICATE-----); name one that does."
        ) from None
    except OSError as error:
        raise SettingsError(
            f"SSL_CERT_FILE: {file} cannot be read: {error.strerror}; set a file with certificates, or unset it."
        ) from error
