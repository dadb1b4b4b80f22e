"""Commits of coroutines that work side by side share transactions, and each learns of its own answer."""

import asyncio

from pyrus_etl.postgres.connection import Connection
from pyrus_etl.postgres.store import Store
from pyrus_etl.settings import Secret
from pyrus_etl.sync.outbox.commits import Commits

TRANSACTION = "SELECT pg_current_xact_id()::text"


def test_what_is_asked_for_meanwhile_shares_the_next_transaction(database: Secret) -> None:
    async def play() -> list[tuple[int, str]]:
        async with Store(database) as store:
            commits = Commits(store)

            async def one(number: int) -> tuple[int, str]:
                def work(connection: Connection) -> tuple[int, str]:
                    ((found,),) = connection.execute(TRANSACTION).fetchall()
                    return number, found

                return await commits.made(work)

            return await asyncio.gather(*map(one, range(50)))

    answers = asyncio.run(play())

    assert [number for number, _ in answers] == [*range(50)]
    assert len({transaction for _, transaction in answers}) == 1


def test_an_error_is_that_of_all_in_its_transaction_and_of_none_after_it(database: Secret) -> None:
    def fails(connection: Connection) -> str:
        connection.execute("SELECT 1 / 0")
        return ""

    def works(connection: Connection) -> str:
        return "done"

    async def play() -> tuple[tuple[str | BaseException, ...], str]:
        async with Store(database) as store:
            commits = Commits(store)
            together = await asyncio.gather(commits.made(fails), commits.made(works), return_exceptions=True)
            return together, await commits.made(works)

    together, after = asyncio.run(play())

    assert all(isinstance(each, Exception) for each in together)
    assert after == "done"
