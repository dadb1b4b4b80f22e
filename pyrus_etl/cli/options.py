"""Options that several commands share, and the settings read from them."""

import logging
import os
from collections.abc import Callable
from dataclasses import replace
from typing import Any, TypeVar

import click

from pyrus_etl.cli.terminal.output import set_up_logging
from pyrus_etl.errors import SettingsError
from pyrus_etl.settings import SETTINGS, Setting, Settings, load_settings, parse_duration
from pyrus_etl.settings.accounts import chosen
from pyrus_etl.settings.retry import STANDARD
from pyrus_etl.settings.web_login import read_login

log = logging.getLogger(__name__)

Command = TypeVar("Command", bound=Callable[..., Any])

RUN_SETTINGS = ("pyrus", "sync", "selection", "privacy", "alerts", "log")
REPORT_SETTINGS = ("reports", "log")
DATABASE_SETTINGS = ("log",)
"""The tables of the config file whose settings a command takes as options."""

_CONFIG = {"config": "Config file to read.  [env: PYRUS_ETL_CONFIG; default: config/pyrus_etl.toml if it exists]"}


class Group(click.Group):
    """Commands of which help shows the whole first sentence."""

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(
                [(name, self.commands[name].get_short_help_str(limit=1000)) for name in self.list_commands(ctx)]
            )


def options(*tables: str) -> dict[str, str]:
    """Returns the help of each option that is a setting, for the settings in some tables of the config file.

    A secret is not an option: other users of a machine see the options of its programs.
    """
    taken = {name: each for name, each in SETTINGS.items() if each.key[0] in tables and not each.is_secret}
    return _CONFIG | {name.replace("_", "-"): _help(setting) for name, setting in taken.items()}


def _help(setting: Setting) -> str:
    default = setting.default or setting.unset
    sources = f"env: {setting.environment}" + (f"; default: {default}" if default else "")
    return f"{setting.meaning[0].upper()}{setting.meaning[1:]}.  [{sources}]"


def with_settings(*tables: str) -> Callable[[Command], Command]:
    """Adds the settings in these tables of the config file to a command as options; without any, those of a run."""

    def decorate(command: Command) -> Command:
        for name, text in reversed(options(*(tables or RUN_SETTINGS)).items()):
            metavar = "FILE" if name == "config" else "TEXT"
            command = click.option(f"--{name}", help=text, metavar=metavar, expose_value=False, callback=_remember)(
                command
            )
        return command

    return decorate


def _remember(context: click.Context, parameter: click.Parameter, value: str | None) -> None:
    if value is not None:
        context.find_root().ensure_object(dict)[parameter.name] = value


account_option = click.option(
    "--account",
    metavar="NAME",
    help="Only for the account of [accounts.NAME] in the config file.",
    expose_value=False,
    callback=_remember,
)
"""For `read_settings`, whose settings then have no other account."""
quiet_option = click.option("--quiet", is_flag=True, help="Print nothing unless something is wrong, as cron likes it.")
json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON object and nothing else.")
wait_option = click.option(
    "--wait",
    metavar="[DURATION]",
    is_flag=False,
    flag_value="1h",
    help="If another run holds the lock, wait for it, at most this long (1h if not given), instead of leaving with 7.",
)


def patience_of(wait: str | None) -> float:
    """For how many seconds a run waits for the lock; `wait` is the value of --wait."""
    return parse_duration(wait, "--wait").total_seconds() if wait else 0.0


def read_settings(*, quiet: bool = False) -> Settings:
    """Reads the settings of the current command, sets up logging accordingly and logs their warnings.

    `quiet`: log lines are held back until `output.show_held_back`, except for errors.
    """
    options = dict(click.get_current_context().find_root().ensure_object(dict))
    config, waits = options.pop("config", None), options.pop("waits", None)
    account = options.pop("account", None)
    settings = replace(load_settings(options, config_file=config), waits=waits or STANDARD)
    settings = replace(settings, accounts=chosen(settings.accounts, account))
    set_up_logging(settings.log_level, settings.log_format, quiet=quiet)
    try:
        settings = settings.logged_in(read_login())
    except SettingsError as error:  # most commands need no login
        log.warning("%s", error)
    if settings.found_config:
        log.info("settings of the current folder are used: %s", os.path.abspath(settings.found_config))
    for warning in settings.warnings:
        log.warning("%s", warning)
    return settings
