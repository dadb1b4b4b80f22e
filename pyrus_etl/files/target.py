"""Where contents are: a folder or a part of a bucket, and a file below it, both as URLs."""

import os
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote, unquote, unquote_to_bytes, urlsplit

from pyrus_etl.errors import SettingsError

OBJECT_STORES = {"s3": "s3://bucket/folder", "gs": "gs://bucket/folder", "az": "az://container/folder"}
"""Scheme → an example of a URL."""
FILE = "file"
_KEPT = "/-_.~!$&'()*+,;=:@"
"""Characters of a path that stay as they are (RFC 3986)."""


class Stored(NamedTuple):
    """The URL of a target, and the path of a file below it."""

    target: str
    path: str


def target_url(text: str, source: str = "--to") -> str:
    """The URL of a target without a slash at its end; `text` is a folder, or a URL as in `OBJECT_STORES`.

    Raises SettingsError, which shows no password, if it is neither.
    """
    if "://" not in text:
        return _folder_url(text, source)
    parts = urlsplit(text)
    if "@" in parts.netloc or parts.query or parts.fragment:
        raise SettingsError(
            f"{source}: a {parts.scheme} URL has no user, ? or #; give the credentials by the store's own variables."
        )
    if parts.scheme == FILE and parts.netloc in ("", "localhost"):
        return _folder_url(unquote(parts.path), source)
    if parts.scheme not in OBJECT_STORES or not parts.netloc:
        examples = ", ".join(OBJECT_STORES.values())
        raise SettingsError(f"{source}: {text[:200]!r} is neither a folder nor a URL like {examples}.")
    return f"{parts.scheme}://{parts.netloc}{quote(unquote(parts.path), _KEPT)}".rstrip("/")


def _folder_url(text: str, source: str) -> str:
    if not text.strip() or "\0" in text:
        raise SettingsError(f"{source}: {text!r} is not a folder; give a path or a URL such as s3://bucket/folder.")
    return f"{FILE}://{quote(os.fsencode(os.path.abspath(os.path.expanduser(text))), _KEPT)}".rstrip("/")


def folder_of(target: str) -> Path | None:
    """The folder of a target; None if it is in an object store."""
    parts = urlsplit(target)
    return Path(os.fsdecode(unquote_to_bytes(parts.path or "/"))) if parts.scheme == FILE else None


def uri_of(target: str, path: str) -> str:
    """The URL of a file below a target."""
    return f"{target}/{quote(path, _KEPT)}"


def stored_at(uri: str) -> Stored:
    """The target of a file, and its path below it, which has two parts: its folder and its name."""
    target, folder, name = uri.rsplit("/", 2)
    return Stored(target, unquote(f"{folder}/{name}"))
