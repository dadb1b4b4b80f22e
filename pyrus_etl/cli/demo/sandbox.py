"""`sandbox serve`: runs the simulated Pyrus as a server."""

from datetime import UTC, datetime
from functools import partial
from typing import Any

import click

from pyrus_etl.cli.options import Group
from pyrus_etl.errors import SettingsError
from pyrus_etl.sandbox import Options, World, onlyoffice, paymo
from pyrus_etl.sandbox import serve as serve_world
from pyrus_etl.sandbox.server.backend import Served
from pyrus_etl.sandbox.server.running import CannotListen
from pyrus_etl.settings import parse_duration, parse_quota


@click.group(cls=Group)
def sandbox() -> None:
    """Run a simulated Pyrus organisation, for development and experiments."""


@sandbox.command()
@click.option("--port", default=8080, show_default=True, type=click.IntRange(0, 65535), help="0: any free port.")
@click.option("--tasks", default=2000, show_default=True, type=click.IntRange(0), help="Tasks in the organisation.")
@click.option("--forms", type=click.IntRange(1, 200), help="This number of forms, instead of five of different size.")
@click.option("--seed", default=1, show_default=True, help="The same seed gives the same tasks.")
@click.option("--grow", default=0.0, show_default=True, type=click.FloatRange(0), help="Changes per minute.")
@click.option("--cap", type=click.IntRange(1), help="No list returns more tasks than this, even if more are requested.")
@click.option("--register-cap", type=click.IntRange(1), help="No page of a register of API v4 has more rows than this.")
@click.option("--list-cap", type=click.IntRange(1), help="No list of API v4 returns more tasks than this.")
@click.option("--lag", metavar="DURATION", help="Registers and lists of API v4 are as late as this, e.g. 5m.")
@click.option("--hybrid", is_flag=True, help="The lists of API v3 take a token of API v4.")
@click.option("--quota", metavar="TEXT", help="Requests per period, e.g. 100/2s; any more are answered with 429.")
@click.option(
    "--period",
    type=click.Choice(["modified", "activity"]),
    default="modified",
    show_default=True,
    help="What a search period is compared with: the last modification, or the date of any note.",
)
@click.option(
    "--api",
    type=click.Choice(["v4", "v3", "both"]),
    default="both",
    show_default=True,
    help="The API to serve. Both show the same organisation.",
)
@click.option("--paymo", "paymo_port", type=click.IntRange(0, 65535), help="Serve a Paymo on this port as well.")
@click.option("--onlyoffice", "office_port", type=click.IntRange(0, 65535), help="… and an ONLYOFFICE on this one.")
@click.option("--webhook", metavar="URL", help="POST a signed webhook here for each change of a task.")
@click.option("--webhook-twice", default=0.0, type=click.FloatRange(0, 1), help="Send this share of webhooks twice.")
@click.option("--warm", is_flag=True, help="Write the rows of all registers first, so that answers cost little.")
@click.option("--gzip/--no-gzip", default=True, show_default=True, help="Compress answers if the client accepts gzip.")
def serve(
    port: int,
    tasks: int,
    forms: int | None,
    seed: int,
    grow: float,
    cap: int | None,
    register_cap: int | None,
    list_cap: int | None,
    lag: str | None,
    hybrid: bool,
    quota: str | None,
    period: str,
    api: str,
    paymo_port: int | None,
    office_port: int | None,
    webhook: str | None,
    webhook_twice: float,
    warm: bool,
    gzip: bool,
) -> None:
    """Serve a simulated Pyrus on 127.0.0.1 until it is interrupted.

    It follows the vendor's pages, https://pyrus.com/en/help/api and https://pyrus.com/en/api-v3. POST to /sandbox/… to
    change tasks or options (register_lag, register_cap, list_cap, hybrid, …) or to make requests fail while it runs.

    \b
    Examples:  pyrus-etl sandbox serve --tasks 5000 --grow 30
               pyrus-etl sandbox serve --lag 10m --register-cap 100
               pyrus-etl sandbox serve --port 8090 --grow 60 --webhook http://127.0.0.1:8080/webhook
               curl -d '{"register_lag": 0}' http://127.0.0.1:8080/sandbox/options
               curl -d '{"kind": "lost", "endpoint": "writes"}' http://127.0.0.1:8080/sandbox/fail
    """
    limit = tuple(parse_quota(quota, "--quota")) if quota else None
    world = World(seed, tasks=tasks, forms=forms, start=datetime.now(UTC), running=True)
    if warm:
        world.v4.warm()
    options: dict[str, Any] = {"cap": cap, "quota": limit, "period": period, "api": api, "gzip": gzip}
    options |= {"register_cap": register_cap, "list_cap": list_cap, "hybrid": hybrid}
    options |= {"webhook": webhook, "webhook_twice": webhook_twice}
    options |= {"register_lag": parse_duration(lag, "--lag").total_seconds() if lag else 0.0}
    ports = {"--paymo": paymo_port, "--onlyoffice": office_port}
    services = {option: number for option, number in ports.items() if number is not None}
    beside = [(_service(option, seed), number) for option, number in services.items()]
    ready = partial(_print_settings, api, tuple(services))
    try:
        serve_world(world, port=port, grow=grow, ready=ready, beside=beside, **options)
    except CannotListen as error:
        option = next((name for name, number in services.items() if number == error.port), "--port")
        raise SettingsError(
            f"{option}: the sandbox cannot listen on port {error.port}: {error.reason}; choose another."
        ) from error


def _service(option: str, seed: int) -> Served:
    """The server of a file service, over a world of its own."""
    now = datetime.now(UTC)
    if option == "--paymo":
        return paymo.service(paymo.World(seed, start=now, running=True), paymo.Options())
    return onlyoffice.service(onlyoffice.World(seed, start=now, running=True), onlyoffice.Options())


def _print_settings(api: str, services: tuple[str, ...], url: str, *beside: str) -> None:
    """Prints the settings with which pyrus-etl reads from this server."""
    options = Options()
    click.echo(f"# A simulated Pyrus is running at {url}. In another terminal, set these, then run: pyrus-etl sync")
    click.echo(f"export PYRUS_URL={url}")
    click.echo(f"export PYRUS_LOGIN={options.login}")
    click.echo(f"export PYRUS_SECURITY_KEY={options.security_key}")
    for option, origin in zip(services, beside, strict=True):
        _print_service(option, origin)
    if api == "v3":
        click.echo(f"export PYRUS_CLIENT_ID={options.client_id}")
        click.echo(f"export PYRUS_CLIENT_SECRET={options.client_secret}")
        return
    click.echo("export PYRUS_API=v4")
    if api == "both":
        click.echo(f"# API v3 is served too: export PYRUS_API=v3 PYRUS_CLIENT_ID={options.client_id}")


def _print_service(option: str, url: str) -> None:
    """Prints the settings for a file service."""
    if option == "--paymo":
        click.echo(f"export PAYMO_URL={url} PAYMO_API_KEY={paymo.Options().api_key}")
    else:
        click.echo(f"export ONLYOFFICE_URL={url} ONLYOFFICE_TOKEN={onlyoffice.Options().token}")
