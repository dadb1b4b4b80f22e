"""A folder stores small files together: what goes wrong with one of them leaves the others alone."""

import asyncio
from pathlib import Path

from pyrus_etl.errors import FileRefused
from pyrus_etl.files.check import Corrupt
from pyrus_etl.files.store import open_store
from tests.files.parts import Parts

MANY = 300
WRONG, IN_THE_WAY, CANCELLED = range(0, MANY, 7), range(1, MANY, 7), range(2, MANY, 7)


async def stored(target: Path) -> list[BaseException | None]:
    async with open_store(target.as_uri()) as store:
        for each in IN_THE_WAY:
            (target / str(each)).write_text("of somebody else")
        tasks = [
            asyncio.ensure_future(
                store.put(f"{each}/a.txt", Parts(b"%d" % each, md5="0" * 32 if each in WRONG else None))
            )
            for each in range(MANY)
        ]
        while not (target / "3" / "a.txt").exists():  # some are stored, some are on their way, and some wait
            await asyncio.sleep(0)
        for each in CANCELLED:
            tasks[each].cancel()
        return await asyncio.gather(*tasks, return_exceptions=True)


def test_each_of_many_small_files_has_its_own_end_and_nothing_unfinished_is_left(tmp_path: Path) -> None:
    target = tmp_path / "to"
    ends = asyncio.run(stored(target))

    assert all(isinstance(ends[each], Corrupt) for each in WRONG)
    assert all(isinstance(ends[each], FileRefused) for each in IN_THE_WAY)
    whole = {each for each in range(MANY) if (target / str(each)).is_dir()}
    assert whole - {*CANCELLED} == {*range(MANY)} - {*WRONG, *IN_THE_WAY, *CANCELLED}
    assert all((target / str(each) / "a.txt").read_bytes() == b"%d" % each for each in whole)
    assert sorted(path.name for path in target.iterdir()) == sorted(map(str, whole | {*IN_THE_WAY}))
