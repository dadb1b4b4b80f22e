"""What the commands about files share: their arguments and settings, and how a file is shown."""

from typing import Any

import click

from pyrus_etl.cli.options import read_settings
from pyrus_etl.cli.terminal.output import print_json
from pyrus_etl.errors import SettingsError
from pyrus_etl.model.file import ServiceFile
from pyrus_etl.model.place import PYRUS, FileName, Place, parse_file, parse_place, parse_service
from pyrus_etl.settings import Settings

SETTINGS = ("pyrus", "paymo", "onlyoffice", "files", "log")
"""The tables of the config file whose settings these commands take as options."""


def to_file(_: click.Context, __: click.Parameter, text: str) -> FileName:
    return parse_file(text)


def to_place(_: click.Context, __: click.Parameter, text: str) -> Place:
    return parse_place(text)


def to_service(_: click.Context, __: click.Parameter, text: str) -> str:
    return parse_service(text)


file_argument = click.argument("file", metavar="FILE", callback=to_file)
place_argument = click.argument("place", metavar="PLACE", callback=to_place)


def of_service(service: str, settings: Settings) -> Settings:
    """The settings of a service; of Pyrus, those of one account. Raises SettingsError if that is not clear."""
    return settings.of_account() if service == PYRUS else settings


def writing_settings(service: str, *, quiet: bool = False) -> Settings:
    """The settings of a command that writes to a service; raises SettingsError if that is forbidden."""
    settings = read_settings(quiet=quiet)
    if settings.write is False:
        raise SettingsError(f"PYRUS_ETL_WRITE is off, so nothing is written to {service}; set it to on.")
    return settings


def show(file: ServiceFile, as_json: bool) -> None:
    """Prints what is known of a file."""
    if as_json:
        print_json(as_object(file))
        return
    for name, value in as_object(file).items():
        if value not in (None, ""):
            click.echo(f"{name:<13}  {value}")


def as_object(file: ServiceFile) -> dict[str, Any]:
    """The file for `--json`: what every service may say, then what only uploads have."""
    known = {name: getattr(file, name) for name in ServiceFile.__struct_fields__ if name != "payload"}
    uploads = ("md5", "token", "guid", "uploaded_file_id")
    shown = {name: value for name, value in known.items() if name not in uploads or value is not None}
    return shown | ({"token": file.token.reveal()} if file.token else {})
