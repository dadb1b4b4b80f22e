"""`files copy` and `files mirror`: files from one service to another."""

import asyncio

import click

from pyrus_etl.cli.files.arguments import SETTINGS, of_service, show, to_file, to_place, to_service, writing_settings
from pyrus_etl.cli.options import account_option, json_option, with_settings
from pyrus_etl.cli.runs.running import RunOptions, run_options, run_plan
from pyrus_etl.extract.files.services import opened
from pyrus_etl.extract.files.streamed import streamed
from pyrus_etl.extract.files.uploads import uploaded
from pyrus_etl.model.file import ServiceFile
from pyrus_etl.model.place import PYRUS, FileName, Place
from pyrus_etl.sync.plans.mirror import mirror as mirror_plan


@click.command(name="copy")
@click.argument("file", metavar="FROM", callback=to_file)
@click.argument("place", metavar="TO", callback=to_place)
@json_option
@account_option
@with_settings(*SETTINGS)
def copy_(file: FileName, place: Place, as_json: bool) -> None:
    """Copy a file to a place at another service.

    It streams from one to the other, and is not stored here.

    \b
    Example:  pyrus-etl files copy pyrus:123 paymo:task/9
    """
    settings = of_service(file.service, of_service(place.service, writing_settings(place.service)))

    async def copied() -> ServiceFile:
        async with opened(file.service, settings) as source, opened(place.service, settings) as target:
            found = await source.get(file.file_id)
            return await uploaded(target, streamed(source, found), place, settings.waits.settle)

    show(asyncio.run(copied()), as_json)


@click.command()
@click.argument("service", metavar="SERVICE", callback=to_service)
@run_options
@account_option
@with_settings(*SETTINGS)
def mirror(service: str, options: RunOptions) -> int:
    """Copy the attachments of linked tasks, each once.

    They go from Pyrus to Paymo or ONLYOFFICE. Which task is which, you say in pyrus.external_tasks (task_id, service,
    external_task_id). You can stop it at any time; the next call copies what is not there yet. pyrus.file_copies says
    what was copied.

    \b
    Example:  pyrus-etl files mirror paymo
    """
    settings = of_service(PYRUS, writing_settings(service, quiet=options.is_quiet))
    return run_plan(mirror_plan(service, settings), settings, options)
