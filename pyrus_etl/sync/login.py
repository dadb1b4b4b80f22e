"""One login for all runs of a process: each run goes on with the token of the run before."""

from typing import Any

from pyrus_etl.client.client import Client
from pyrus_etl.extract.source import AccountAccess


def logged_in_once(access: AccountAccess) -> AccountAccess:
    """The same account. A client logs in only without a token, or if Pyrus refuses it. The token stays here."""
    before: Client | None = None

    def client(*arguments: Any) -> Client:
        nonlocal before
        made = access.client(*arguments)
        if before:
            made.go_on(before.logged_in)
        before = made
        return made

    return access._replace(client=client)
