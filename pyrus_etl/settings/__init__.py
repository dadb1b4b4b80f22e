"""Settings. A command-line option overrides the environment, which overrides the config file, then the default."""

from pyrus_etl.settings.declared import SETTINGS, Settings
from pyrus_etl.settings.load import load_settings
from pyrus_etl.settings.parse import Quota, is_loopback, parse_duration, parse_interval, parse_quota
from pyrus_etl.settings.retry import Retry, Waits
from pyrus_etl.settings.secret import Secret
from pyrus_etl.settings.setting import Setting

__all__ = [
    "SETTINGS",
    "Quota",
    "Retry",
    "Secret",
    "Setting",
    "Settings",
    "Waits",
    "is_loopback",
    "load_settings",
    "parse_duration",
    "parse_interval",
    "parse_quota",
]
