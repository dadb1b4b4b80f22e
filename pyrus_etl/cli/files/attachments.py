"""The contents of attachments: stored by `download`, checked by `verify`."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from functools import partial
from typing import Any, TypeVar

import click

from pyrus_etl.cli.options import Group, account_option, json_option, read_settings, with_settings
from pyrus_etl.cli.runs.running import RunOptions, run_options, run_plan
from pyrus_etl.cli.runs.runs import parse_date
from pyrus_etl.cli.terminal.output import print_json
from pyrus_etl.errors import SET_ASIDE, SettingsError
from pyrus_etl.extract.files.account import access_of
from pyrus_etl.files.target import target_url
from pyrus_etl.load.files.contents import Chosen
from pyrus_etl.model.place import ONLYOFFICE, PAYMO, PYRUS
from pyrus_etl.postgres.folders import data_folder
from pyrus_etl.postgres.store import Store
from pyrus_etl.settings import Settings
from pyrus_etl.sync.database import open_database
from pyrus_etl.sync.files.verify import prune, to_prune
from pyrus_etl.sync.files.verify import verify as verify_stored
from pyrus_etl.sync.listing.period import period
from pyrus_etl.sync.plans.download import download as download_plan
from pyrus_etl.sync.plans.service_download import Wanted, download_from

T = TypeVar("T")

service_option = click.option(
    "--service",
    type=click.Choice([PYRUS, PAYMO, ONLYOFFICE]),
    default=PYRUS,
    show_default=True,
    help="Whose files: attachments of Pyrus, or what files sync has listed.",
)


@click.group(cls=Group)
def attachments() -> None:
    """Store the contents of attachments, and check what is stored."""


@attachments.command()
@click.option("--to", metavar="URL", help="A folder, s3://…, gs://… or az://… instead of PYRUS_ETL_FILES_TO.")
@click.option("--max-size", metavar="BYTES", type=click.IntRange(0), help="Leave larger files out.")
@click.option("--form", "forms", metavar="ID", type=int, multiple=True, help="Only files of tasks with this form.")
@click.option("--since", metavar="DATE", help="Only files attached at or after this time (ISO 8601, UTC).")
@service_option
@run_options
@account_option
@with_settings("pyrus", "paymo", "onlyoffice", "contents", "log")
def download(
    to: str | None,
    max_size: int | None,
    forms: tuple[int, ...],
    since: str | None,
    service: str,
    options: RunOptions,
) -> int:
    """Store the contents of files.

    Every file that is not stored yet goes to URL/{attachment_id}/{name}; those of another service go below URL/SERVICE.
    Files of the newest tasks come first. You can stop it at any time; the next call continues, and tries again what
    Pyrus refused. Credentials of object stores come from their own variables, such as AWS_ACCESS_KEY_ID.

    \b
    Examples:  pyrus-etl attachments download --to /srv/attachments
               pyrus-etl attachments download --to s3://bucket/pyrus --max-size 100000000
    """
    settings = read_settings(quiet=options.is_quiet)
    text = settings.files_to if to is None else to
    source = "PYRUS_ETL_FILES_TO" if to is None else "--to"
    target = target_url(str(data_folder().parent / "attachments") if text is None else text, source)
    start = period(parse_date(since, "--since")).start
    since_instant = None if start is None else datetime.fromtimestamp(start, UTC)
    if service == PYRUS:
        chosen = Chosen(list(forms) or None, since_instant, max_size)
        return run_plan(download_plan(target, chosen, may_create_parents=text is None), settings, options)
    if forms:
        raise SettingsError(f"--form: the files of {service} belong to no form; leave it out.")
    plan = download_from(Wanted(service, since_instant, max_size), f"{target}/{service}", may_create_parents=True)
    return run_plan(plan, settings, options, access_of(service, settings))


@attachments.command()
@click.option("--prune", "is_to_prune", is_flag=True, help="Instead show contents that are gone at their service.")
@click.option("--yes", is_flag=True, help="With --prune: delete them.")
@service_option
@json_option
@with_settings("log")
def verify(is_to_prune: bool, yes: bool, service: str, as_json: bool) -> int:
    """Compare what is stored with its SHA-256.

    The next download fetches again what is wrong. With --prune, shows or deletes what no task has any more, or what
    files sync found to be gone.

    \b
    Examples:  pyrus-etl attachments verify
               pyrus-etl attachments verify --prune
    """
    settings = read_settings()
    return _prune(settings, service, yes, as_json) if is_to_prune else _verify(settings, service, as_json)


def _verify(settings: Settings, service: str, as_json: bool) -> int:
    checked, wrong = _with_store(settings, partial(verify_stored, service=service))
    code = SET_ASIDE if wrong else 0
    found = {"files_checked": checked, "files_wrong": len(wrong), "wrong": [each._asdict() for each in wrong]}
    advice = f"; the next pyrus-etl attachments download{_option(service)} fetches them again" if wrong else ""
    lines = [*(each.error for each in wrong), f"files checked: {checked}, wrong: {len(wrong)}{advice}"]
    _print(found | {"exit_code": code}, as_json, lines)
    return code


def _prune(settings: Settings, service: str, yes: bool, as_json: bool) -> int:
    if yes:
        pruned = _with_store(settings, partial(prune, service=service))
        _print({"files_pruned": pruned}, as_json, [f"files deleted: {pruned}"])
        return 0
    uris = [file.stored_uri for file in _with_store(settings, partial(to_prune, service=service))]
    advice = f"; to delete them: pyrus-etl attachments verify{_option(service)} --prune --yes" if uris else ""
    whose = "no task has any more" if service == PYRUS else f"{service} no longer has"
    total = f"files that {whose}: {len(uris)}{advice}"
    _print({"files_to_prune": len(uris), "uris": uris}, as_json, [*(uri or "not stored" for uri in uris), total])
    return 0


def _option(service: str) -> str:
    return "" if service == PYRUS else f" --service {service}"


def _with_store(settings: Settings, work: Callable[[Store], Awaitable[T]]) -> T:
    async def opened() -> T:
        async with Store(url, settings.waits) as store:
            return await work(store)

    with open_database(settings) as url:
        return asyncio.run(opened())


def _print(found: dict[str, Any], as_json: bool, lines: list[str]) -> None:
    if as_json:
        print_json(found)
        return
    for line in lines:
        click.echo(line)
