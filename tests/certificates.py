"""An authority and certificates for test servers, created by openssl."""

import shutil
import ssl
import subprocess
from pathlib import Path
from typing import NamedTuple

from tests.services import need

_CONFIG = """
[ca]
default_ca = authority
[authority]
new_certs_dir = .
database = index
unique_subject = no
rand_serial = yes
default_md = sha256
policy = any
copy_extensions = copy
[any]
commonName = supplied
"""
_NEW_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")


class Authority(NamedTuple):
    """A certificate authority; `file` has its certificate in PEM."""

    file: Path

    def vouches_for(self, *names: str, start: str = "20200101", end: str = "20400101") -> ssl.SSLContext:
        """Returns the TLS context of a server with these names; its certificate is valid between the days."""
        alternatives = ",".join(f"DNS:{name}" for name in names)
        self._openssl(
            "req", *_NEW_KEY, "-keyout", "server.key", "-out", "server.csr",
            "-subj", f"/CN={names[0]}", "-addext", f"subjectAltName={alternatives}",
        )  # fmt: skip
        self._openssl(
            "ca", "-batch", "-notext", "-config", "config", "-cert", "authority.pem", "-keyfile", "authority.key",
            "-in", "server.csr", "-out", "server.pem", "-startdate", f"{start}000000Z", "-enddate", f"{end}000000Z",
        )  # fmt: skip
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.file.parent / "server.pem", self.file.parent / "server.key")
        return context

    def _openssl(self, *arguments: str) -> None:
        subprocess.run(["openssl", *arguments], cwd=self.file.parent, check=True, capture_output=True)


def new_authority(folder: Path) -> Authority:
    """An authority that nobody trusts yet; skips the test if openssl is not installed."""
    need("openssl", shutil.which("openssl"))
    (folder / "config").write_text(_CONFIG, encoding="utf-8")
    (folder / "index").touch()
    authority = Authority(folder / "authority.pem")
    authority._openssl(
        "req", "-x509", *_NEW_KEY, "-keyout", "authority.key", "-out", "authority.pem",
        "-subj", "/CN=An authority of ours", "-days", "3650",
    )  # fmt: skip
    return authority
