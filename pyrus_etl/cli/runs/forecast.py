"""Prints the forecast of a run: what it would ask for, how many requests, and how long."""

from collections.abc import Iterator

import click

from pyrus_etl.cli.access import duration
from pyrus_etl.sync.forecast import Forecast
from pyrus_etl.sync.listing.survey import OfFeed

SHOWN = 12
"""How many registers and lists are shown; `--json` has all of them."""


def print_forecast(forecast: Forecast) -> None:
    """Prints a forecast in a few lines."""
    for line in lines(forecast):
        click.echo(line)


def lines(forecast: Forecast) -> Iterator[str]:
    """The forecast as people read it."""
    about = "about" if forecast.is_complete else "at least"
    yield f"{forecast.kind}, dry run: nothing is stored"
    yield f"  {forecast.tasks_listed:,} tasks listed: {about} {forecast.tasks_to_fetch:,} to fetch"
    yield from map(_feed, _largest(forecast))
    yield f"  {about} {forecast.total:,} requests: {_parts(forecast)}"
    quota = forecast.quota
    yield f"  {_lasting(forecast)} at {quota.requests:,} requests per {quota.period:,g} s{_runs(forecast)}"


def _largest(forecast: Forecast) -> list[OfFeed]:
    """The feeds from which a run would fetch most; those that are refused come first."""
    worth = [feed for feed in forecast.feeds if feed.to_fetch != 0]
    return sorted(worth, key=lambda feed: (feed.to_fetch is not None, -(feed.to_fetch or 0)))[:SHOWN]


def _feed(feed: OfFeed) -> str:
    shown = f"    {feed.kind} {feed.id} ({feed.name}): "
    return shown + ("refused" if feed.to_fetch is None else f"{feed.to_fetch:,} of {feed.tasks:,}")


def _parts(forecast: Forecast) -> str:
    return ", ".join(f"{part} {number:,}" for part, number in forecast.requests.items())


def _lasting(forecast: Forecast) -> str:
    return f"about {duration(forecast.seconds)}" if forecast.seconds >= 60 else "less than a minute of waiting"


def _runs(forecast: Forecast) -> str:
    match forecast.runs:
        case None:
            return "; no run would get as far as the tasks: give it a larger --max-requests"
        case 1:
            return ""
    return f", in about {forecast.runs:,} runs"
