"""`sandbox serve`: the simulated Pyrus as a server."""

from datetime import UTC, datetime

import click

from pyrus_etl.sandbox import Options, World
from pyrus_etl.sandbox import serve as serve_world
from pyrus_etl.settings import parse_quota


@click.group()
def sandbox() -> None:
    """A simulated Pyrus organisation, to develop and to try against."""


@sandbox.command()
@click.option("--port", default=8080, show_default=True, type=click.IntRange(0, 65535), help="0: any free port.")
@click.option("--tasks", default=2000, show_default=True, type=click.IntRange(0), help="Tasks in the world.")
@click.option("--seed", default=1, show_default=True, help="Another seed is another organisation.")
@click.option("--grow", default=0.0, show_default=True, type=click.FloatRange(0), help="Changes a minute.")
@click.option("--cap", type=click.IntRange(1), help="No list returns more tasks than that, whatever is asked.")
@click.option("--quota", metavar="TEXT", help="Requests per period, e.g. 100/2s; more are answered with 429.")
@click.option(
    "--period",
    type=click.Choice(["modified", "activity"]),
    default="modified",
    show_default=True,
    help="What a search period compares: the last modification, or the date of any note.",
)
@click.option("--gzip/--no-gzip", default=True, show_default=True, help="Pack answers where the client takes that.")
def serve(
    port: int, tasks: int, seed: int, grow: float, cap: int | None, quota: str | None, period: str, gzip: bool
) -> None:
    """Serves a simulated Pyrus on 127.0.0.1 until it is interrupted.

    It behaves as the vendor's page says. How to change it and to make it fail while it runs: POST to /sandbox/….

    \b
    Example:  pyrus-etl sandbox serve --tasks 5000 --grow 30
    """
    limit = tuple(parse_quota(quota, "--quota")) if quota else None
    world = World(seed, tasks=tasks, start=datetime.now(UTC), running=True)
    serve_world(world, port=port, grow=grow, ready=_tell, cap=cap, quota=limit, period=period, gzip=gzip)


def _tell(url: str) -> None:
    """Prints what to set so that pyrus-etl reads from here."""
    options = Options()
    click.echo(f"# {url} is a simulated Pyrus; set this in another terminal, then: pyrus-etl sync")
    click.echo(f"export PYRUS_URL={url}")
    click.echo(f"export PYRUS_LOGIN={options.login}")
    click.echo(f"export PYRUS_SECURITY_KEY={options.security_key}")
    click.echo(f"export PYRUS_CLIENT_ID={options.client_id}")
