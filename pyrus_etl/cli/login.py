"""`login` and `logout`: a token by the web login of Pyrus, in place of a security key."""

import asyncio
import webbrowser
from dataclasses import replace

import click

from pyrus_etl.cli.loopback import listening
from pyrus_etl.cli.options import json_option, read_settings, with_settings
from pyrus_etl.cli.terminal.output import print_json
from pyrus_etl.errors import LoginRefused
from pyrus_etl.extract.web_login import NO_WEB_SERVER, granted, page
from pyrus_etl.settings import Settings, parse_duration
from pyrus_etl.settings.web_login import delete_login, write_login

NOT_REVOKED = "The token works until Pyrus ends it: revoke it in Settings → Authorized Applications."


@click.command()
@click.option("--no-web-server", is_flag=True, help="Do not listen for the code; ask for it, as Pyrus shows it.")
@click.option("--no-browser", is_flag=True, help="Only show the address; do not open a browser.")
@click.option("--wait", default="10m", show_default=True, metavar="DURATION", help="How long to wait for the code.")
@json_option
@with_settings()
def login(no_web_server: bool, no_browser: bool, wait: str, as_json: bool) -> None:
    """Log in to Pyrus with a browser, and keep the token for later runs.

    Needs an application that is registered in Pyrus: PYRUS_CLIENT_ID and PYRUS_CLIENT_SECRET. The token is in a file
    that only you can read. Runs use it if no key and no other token is set.

    \b
    Examples:  pyrus-etl login
               pyrus-etl login --no-web-server    (on a machine without a browser)
    """
    settings = read_settings()
    code, redirect = _pasted(settings) if no_web_server else _received(settings, wait, opens=not no_browser)
    login = asyncio.run(granted(replace(settings, access_token=None), code, redirect))
    file = write_login(login)
    if as_json:
        print_json({"status": "ok", "person": login.person, "url": login.url, "file": str(file)})
    else:
        click.echo(f"Logged in as {login.person}. The token is in {file}.")


@click.command()
@json_option
@with_settings("log")
def logout(as_json: bool) -> None:
    """Delete the token of `pyrus-etl login`.

    \b
    Example:  pyrus-etl logout
    """
    read_settings()
    file = delete_login()
    if as_json:
        print_json({"status": "ok", "deleted": None if file is None else str(file)})
    else:
        click.echo(f"Deleted {file}. {NOT_REVOKED}" if file else "Nobody was logged in.")


def _received(settings: Settings, wait: str, *, opens: bool) -> tuple[str, str]:
    """The code that a browser brings, and the address that it was sent to."""
    seconds = parse_duration(wait, "--wait").total_seconds()
    with listening() as server:
        address = page(settings, server.redirect, server.state)
        _show(address)
        if opens:
            webbrowser.open(address)
        return server.wait(seconds), server.redirect


def _pasted(settings: Settings) -> tuple[str, str]:
    """The code that a person types, as Pyrus shows it."""
    _show(page(settings, NO_WEB_SERVER, ""))
    code = click.prompt("Code", default="", show_default=False, err=True).strip()
    if not code:
        raise LoginRefused("No code is given; run pyrus-etl login again, and type the code that Pyrus shows.")
    return code, NO_WEB_SERVER


def _show(address: str) -> None:
    click.echo(f"Open this address in a browser, and log in to Pyrus:\n{address}", err=True)
