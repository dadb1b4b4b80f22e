"""The file that keeps the token of `pyrus-etl login`: in the user's data folder, readable for that user only."""

import os
import stat
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import msgspec
import platformdirs

from pyrus_etl.errors import SettingsError
from pyrus_etl.settings.secret import Secret

NAME = "web-login.json"
AGAIN = "run pyrus-etl login again"


@dataclass(frozen=True)
class WebLogin:
    """A token that the web login granted, and the origin that it is sent to; `person` is shown to the user."""

    url: str
    token: Secret
    person: str


class _Stored(msgspec.Struct, forbid_unknown_fields=True):
    url: str
    access_token: str
    person: str = ""


def login_file() -> Path:
    """Where the token is kept. Raises SettingsError if this user has no data folder."""
    try:
        folder = platformdirs.user_data_path("pyrus-etl")
    except RuntimeError:
        folder = Path()
    if not folder.is_absolute():
        raise SettingsError("This user has no home folder, so a token cannot be kept; set PYRUS_ACCESS_TOKEN instead.")
    return folder / NAME


def read_login() -> WebLogin | None:
    """The login of this user; None if there is none. Raises SettingsError if its file cannot be used."""
    try:
        file = login_file()
        content, mode = file.read_bytes(), file.stat().st_mode
    except (OSError, ValueError, SettingsError) as error:
        if isinstance(error, PermissionError):
            raise SettingsError(f"The token in {login_file()} cannot be read: {error.strerror}; {AGAIN}.") from None
        return None
    if os.name != "nt" and mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise SettingsError(f"Others can read the token in {file}; run chmod 600 {file}, or {AGAIN}.")
    try:
        stored = msgspec.json.decode(content, type=_Stored)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise SettingsError(f"{file} does not hold a login; {AGAIN}.") from None
    return WebLogin(stored.url, Secret(stored.access_token), stored.person)


def write_login(login: WebLogin) -> Path:
    """Keeps the login in place of an earlier one, and returns its file. Raises SettingsError."""
    file = login_file()
    part = file.with_name(f"{NAME}.{uuid4().hex}")
    content = msgspec.json.encode(_Stored(login.url, login.token.reveal(), login.person))
    try:
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as opened:
            opened.write(content)
        part.replace(file)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise SettingsError(f"The token cannot be kept in {file}: {error.strerror}; free it, and {AGAIN}.") from None
    return file


def delete_login() -> Path | None:
    """Deletes the login and returns its file; None if there was none. Raises SettingsError."""
    file = login_file()
    try:
        file.unlink()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise SettingsError(f"{file} cannot be deleted: {error.strerror}; delete it yourself.") from None
    return file
