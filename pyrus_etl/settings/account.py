"""An account of several, as a section [accounts.NAME] of the config file names it."""

from dataclasses import dataclass

from pyrus_etl.errors import SettingsError
from pyrus_etl.settings.parse import Quota
from pyrus_etl.settings.secret import Secret


@dataclass(frozen=True, kw_only=True)
class Account:
    """Who logs in, where, and how often they may ask. `fault`: why it cannot be used on this machine."""

    name: str
    login: str
    security_key: Secret | None = None
    api: str | None = None
    url: str
    quota: Quota
    fault: SettingsError | None = None
