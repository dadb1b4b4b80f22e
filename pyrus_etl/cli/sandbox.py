"""`sandbox serve`: runs the simulated Pyrus as a server."""

from datetime import UTC, datetime
from functools import partial
from typing import Any

import click

from pyrus_etl.errors import SettingsError
from pyrus_etl.sandbox import Options, World
from pyrus_etl.sandbox import serve as serve_world
from pyrus_etl.settings import parse_quota


@click.group()
def sandbox() -> None:
    """A simulated Pyrus organisation, for development and experiments."""


@sandbox.command()
@click.option("--port", default=8080, show_default=True, type=click.IntRange(0, 65535), help="0: any free port.")
@click.option("--tasks", default=2000, show_default=True, type=click.IntRange(0), help="Tasks in the organisation.")
@click.option("--forms", type=click.IntRange(1, 200), help="This number of forms, instead of five of different size.")
@click.option("--seed", default=1, show_default=True, help="The same seed gives the same tasks.")
@click.option("--grow", default=0.0, show_default=True, type=click.FloatRange(0), help="Changes per minute.")
@click.option("--cap", type=click.IntRange(1), help="No list returns more tasks than this, even if more are requested.")
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
@click.option("--warm", is_flag=True, help="Write the rows of all registers first, so that answers cost little.")
@click.option("--gzip/--no-gzip", default=True, show_default=True, help="Compress answers if the client accepts gzip.")
def serve(
    port: int,
    tasks: int,
    forms: int | None,
    seed: int,
    grow: float,
    cap: int | None,
    quota: str | None,
    period: str,
    api: str,
    warm: bool,
    gzip: bool,
) -> None:
    """Serves a simulated Pyrus on 127.0.0.1 until it is interrupted.

    It follows the vendor's pages, https://pyrus.com/en/help/api and https://pyrus.com/en/api-v3. POST to /sandbox/… to
    change tasks or to make requests fail while it runs.

    \b
    Example:  pyrus-etl sandbox serve --tasks 5000 --grow 30
    """
    limit = tuple(parse_quota(quota, "--quota")) if quota else None
    world = World(seed, tasks=tasks, forms=forms, start=datetime.now(UTC), running=True)
    if warm:
        world.v4.warm()
    options: dict[str, Any] = {"cap": cap, "quota": limit, "period": period, "api": api, "gzip": gzip}
    try:
        serve_world(world, port=port, grow=grow, ready=partial(_print_settings, api), **options)
    except OSError as error:
        raise SettingsError(
            f"--port: the sandbox cannot listen on port {port}: {error.strerror}; choose another."
        ) from error


def _print_settings(api: str, url: str) -> None:
    """Prints the settings with which pyrus-etl reads from this server."""
    options = Options()
    click.echo(f"# A simulated Pyrus is running at {url}. In another terminal, set these, then run: pyrus-etl sync")
    click.echo(f"export PYRUS_URL={url}")
    click.echo(f"export PYRUS_LOGIN={options.login}")
    click.echo(f"export PYRUS_SECURITY_KEY={options.security_key}")
    if api == "v3":
        click.echo(f"export PYRUS_CLIENT_ID={options.client_id}")
        return
    click.echo("export PYRUS_API=v4")
    if api == "both":
        click.echo(f"# API v3 is served too: export PYRUS_API=v3 PYRUS_CLIENT_ID={options.client_id}")
