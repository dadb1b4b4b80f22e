"""The settings of an account: those of the worker, with what the cluster's row says, and secrets from files."""

import socket
from dataclasses import replace

from pyrus_etl.cluster.accounts import Account
from pyrus_etl.errors import SettingsError
from pyrus_etl.settings import Secret, Settings, parse_quota
from pyrus_etl.settings.database_url import parse_database_url
from pyrus_etl.settings.text import cleaned, read_text


def settings_of(account: Account, base: Settings) -> Settings:
    """The settings of an account's runs. Raises SettingsError if a file is missing on this machine."""
    key = _secret(account.secret_ref, f"The key file {account.secret_ref} of {account.name}")
    return replace(
        base,
        api=account.api,
        url=account.url,
        login=account.login,
        client_id=account.client_id,
        person_id=account.person_id,
        security_key=Secret(key),
        accounts=(),
        has_several=account.has_several,
        access_token=None,
        quota=parse_quota(account.quota),
        database_url=_database_url(account),
    )


def _database_url(account: Account) -> Secret:
    source = f"The file {account.database_url_ref} with the database of {account.org}"
    url = parse_database_url(_secret(account.database_url_ref, source), source)
    assert url
    return url


def _secret(path: str, source: str) -> str:
    """The text of a file. Other workers may have it, so the message says which machine lacks it."""
    source = f"{source}, on {socket.gethostname()},"
    text = cleaned(read_text(path, source), source)
    if not text:
        raise SettingsError(f"{source} is empty; write the text into it.")
    return text
