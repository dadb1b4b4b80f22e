"""Settings. A command-line option overrides the environment, which overrides the config file, then the default."""

from pyrus_etl.settings.load import LOG_FORMATS, LOG_LEVELS, Settings, load_settings
from pyrus_etl.settings.parse import Quota, is_loopback, parse_duration, parse_quota
from pyrus_etl.settings.secret import Secret

__all__ = [
    "LOG_FORMATS",
    "LOG_LEVELS",
    "Quota",
    "Secret",
    "Settings",
    "is_loopback",
    "load_settings",
    "parse_duration",
    "parse_quota",
]
