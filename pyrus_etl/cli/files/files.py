"""`files …`: the files of tasks at Pyrus, Paymo and ONLYOFFICE, one at a time."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

import click

from pyrus_etl.cli.files.arguments import (
    SETTINGS,
    as_object,
    file_argument,
    of_service,
    place_argument,
    show,
    writing_settings,
)
from pyrus_etl.cli.files.copy import copy_, mirror
from pyrus_etl.cli.files.sync import sync
from pyrus_etl.cli.options import Group, account_option, json_option, read_settings, with_settings
from pyrus_etl.cli.terminal.output import print_json
from pyrus_etl.errors import SettingsError
from pyrus_etl.extract.files.file_service import FileService
from pyrus_etl.extract.files.local import contents_of
from pyrus_etl.extract.files.saved import Saved, saved
from pyrus_etl.extract.files.services import opened
from pyrus_etl.extract.files.streamed import streamed
from pyrus_etl.extract.files.uploads import uploaded
from pyrus_etl.model.file import ServiceFile
from pyrus_etl.model.place import FileName, Place, parse_place
from pyrus_etl.settings import Secret, Settings

T = TypeVar("T")


@click.group(cls=Group)
def files() -> None:
    """Work with the files of tasks at Pyrus, Paymo and ONLYOFFICE.

    \b
    A file:   pyrus:123 (an attachment), paymo:55, onlyoffice:18
    A place:  pyrus:task/7
              paymo:task/123, paymo:project/9, paymo:discussion/5, paymo:comment/4
              onlyoffice:task/9, onlyoffice:project/3, onlyoffice:discussion/2, onlyoffice:folder/8
              paymo: and pyrus: alone upload a file that is attached to nothing yet
    """


files.add_command(sync)
files.add_command(copy_)
files.add_command(mirror)


@files.command(name="list")
@place_argument
@json_option
@account_option
@with_settings(*SETTINGS)
def list_(place: Place, as_json: bool) -> None:
    """List the files of a place.

    \b
    Example:  pyrus-etl files list paymo:task/123
    """

    async def listed(service: FileService) -> list[ServiceFile]:
        return [file async for file in service.files_at(place)]

    found = _asked(place.service, read_settings(), listed)
    if as_json:
        print_json({"files": [as_object(file) for file in found]})
        return
    for file in found:
        click.echo(_line(file))
    if not found:
        click.echo(f"There are no files at {place}.")


@files.command()
@file_argument
@json_option
@account_option
@with_settings(*SETTINGS)
def get(file: FileName, as_json: bool) -> None:
    """Show what a service says about a file.

    \b
    Example:  pyrus-etl files get onlyoffice:18
    """
    show(_asked(file.service, read_settings(), lambda service: service.get(file.file_id)), as_json)


@files.command()
@file_argument
@click.option("--to", "folder", metavar="DIR", required=True, help="The folder into which the file goes.")
@json_option
@account_option
@with_settings(*SETTINGS)
def download(file: FileName, folder: str, as_json: bool) -> None:
    """Save the contents of a file into a folder.

    The file has its final name only when it is complete. If another file has that name, it gets a number.

    \b
    Example:  pyrus-etl files download pyrus:123 --to downloads
    """

    async def fetched(service: FileService) -> tuple[ServiceFile, Saved]:
        found = await service.get(file.file_id)
        return found, await saved(streamed(service, found), Path(folder))

    found, there = _asked(file.service, read_settings(), fetched)
    if as_json:
        print_json(as_object(found) | {"path": str(there.path), "size_bytes": there.size, "sha256": there.sha256})
        return
    click.echo(f"{file} is in {there.path} ({there.size:,} bytes).")


@files.command()
@click.argument("path", metavar="PATH")
@place_argument
@json_option
@account_option
@with_settings(*SETTINGS)
def upload(path: str, place: Place, as_json: bool) -> None:
    """Upload a file, and attach it to a place.

    `paymo:` and `pyrus:` alone upload a file that is attached to nothing yet; files attach does the rest.

    \b
    Example:  pyrus-etl files upload report.pdf paymo:task/123
    """
    contents, settings = contents_of(path), writing_settings(place.service)
    pause = settings.waits.settle
    show(_asked(place.service, settings, lambda service: uploaded(service, contents, place, pause)), as_json)


@files.command()
@file_argument
@place_argument
@click.option("--token", metavar="T", help="The token of an upload to Paymo that is attached to nothing yet.")
@json_option
@account_option
@with_settings(*SETTINGS)
def attach(file: FileName, place: Place, token: str | None, as_json: bool) -> None:
    """Attach a file to a place of the same service.

    At Pyrus, FILE is an upload: pyrus: and its guid, or with API v3 its UploadedFileId.

    \b
    Example:  pyrus-etl files attach onlyoffice:18 onlyoffice:task/9
    """
    if file.service != place.service:
        raise SettingsError(f"{file} is not at the service of {place}; use files copy.")
    secret = Secret(token) if token else None
    settings = writing_settings(file.service)
    show(_asked(file.service, settings, lambda service: service.attach(file.file_id, place, secret)), as_json)


@files.command()
@file_argument
@click.option("--name", metavar="N", help="The new name.")
@click.option("--description", metavar="D", help="The new description.")
@json_option
@account_option
@with_settings(*SETTINGS)
def update(file: FileName, name: str | None, description: str | None, as_json: bool) -> None:
    """Give a file another name or description.

    \b
    Example:  pyrus-etl files update paymo:55 --name report.pdf
    """
    if name is None and description is None:
        raise SettingsError("Nothing to change: give --name, --description or both.")
    settings = writing_settings(file.service)
    show(_asked(file.service, settings, lambda service: service.update(file.file_id, name, description)), as_json)


@files.command()
@file_argument
@click.option("--from", "place", metavar="PLACE", help="Only detach it from this place of ONLYOFFICE.")
@json_option
@account_option
@with_settings(*SETTINGS)
def delete(file: FileName, place: str | None, as_json: bool) -> None:
    """Delete a file. At ONLYOFFICE it goes to the trash.

    \b
    Example:  pyrus-etl files delete paymo:55
    """
    at = parse_place(place, "--from") if place else None
    if at and at.service != file.service:
        raise SettingsError(f"--from: {file} is not at the service of {at}; name a place of {file.service}.")
    settings = writing_settings(file.service)
    _asked(
        file.service,
        settings,
        lambda service: service.detach(file.file_id, at) if at else service.delete(file.file_id),
    )
    if as_json:
        print_json({"service": file.service, "file_id": file.file_id, "status": "detached" if at else "deleted"})
        return
    click.echo(f"{file} is detached from {at}." if at else f"{file} is deleted.")


def _asked(name: str, settings: Settings, ask: Callable[[FileService], Awaitable[T]]) -> T:
    """Opens a service, asks it, and returns the answer."""

    async def answer() -> T:
        async with opened(name, of_service(name, settings)) as service:
            return await ask(service)

    return asyncio.run(answer())


def _line(file: ServiceFile) -> str:
    size = "" if file.size_bytes is None else f"{file.size_bytes:,} bytes"
    when = f"{file.created_at:%Y-%m-%d %H:%M}" if file.created_at else ""
    return f"{file.service}:{file.file_id:<12} {size:>18}  {when:<16}  {file.name or ''}".rstrip()
