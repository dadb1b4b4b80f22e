"""The worker processes of a run, in place of programs: they do what `pyrus_etl.sync.sharing.worker_process` does."""

import asyncio
import os
from asyncio import StreamReader, StreamReaderProtocol, StreamWriter, streams
from collections.abc import Iterator
from io import FileIO
from typing import TYPE_CHECKING, Any
from weakref import WeakMethod

from pyrus_etl.errors import ClaimsLost, PyrusEtlError
from pyrus_etl.sync.sharing.parts import LENGTH, Failed, Given, packed, unpacked
from pyrus_etl.sync.sharing.worker_process import work
from tests.simulation.process import Process

if TYPE_CHECKING:
    from tests.simulation.computer import Computer

RUN_IS_GONE = 1


class Spawned:
    """What `asyncio.create_subprocess_exec` returns."""

    def __init__(self, child: Process, pid: int, stdin: StreamWriter, stdout: StreamReader) -> None:
        self.pid, self.stdin, self.stdout = pid, stdin, stdout
        self._child = child
        self._ended = asyncio.get_running_loop().create_future()

    @property
    def returncode(self) -> int | None:
        return self._child.exit_code

    async def wait(self) -> int | None:
        await self._ended
        return self.returncode

    def ended(self) -> None:
        loop = self._ended.get_loop()
        if not loop.is_closed():
            loop.call_soon_threadsafe(self._ended.set_result, None)


async def spawned(computer: "Computer", *_: str, **__: Any) -> Spawned:
    """Starts a worker process for the run that is at work."""
    loop, run = asyncio.get_running_loop(), computer.at_work
    (hears, run_says), (run_hears, says) = _pipe(), _pipe()
    run.pipes += [run_says, run_hears]
    reader = StreamReader(limit=1 << 20)
    await loop.connect_read_pipe(lambda: StreamReaderProtocol(reader), run_hears)
    transport, protocol = await loop.connect_write_pipe(streams.FlowControlMixin, run_says)
    run.writers.append(transport)
    child = computer.start_beside(run, lambda child: _worker(child, hears, says))
    child.pipes += [hears, says]
    made = Spawned(child, computer.started, StreamWriter(transport, protocol, None, loop), reader)
    ended = WeakMethod(made.ended)  # or a living child holds what a dead run has left
    child.ends.append(lambda: (end := ended()) and end())
    return made


def _pipe() -> tuple[FileIO, FileIO]:
    """The ends to read from and to write to."""
    reading, writing = os.pipe()
    os.set_blocking(reading, False)
    os.set_blocking(writing, False)
    return FileIO(reading, "r"), FileIO(writing, "w")


async def _worker(process: Process, hears: FileIO, says: FileIO) -> None:
    """Works for a run, and ends at once if that is gone."""
    loop, heard = asyncio.get_running_loop(), bytearray()
    begun: asyncio.Future[Given] = loop.create_future()
    parts: asyncio.Queue[Any] = asyncio.Queue()

    def hear() -> None:
        part = hears.read(1 << 20)
        if not part:
            process.leave(RUN_IS_GONE)
            return
        heard.extend(part)
        for message in _messages(heard):
            if isinstance(message, Given):
                begun.set_result(message)
            else:
                parts.put_nowait(message)

    def tell(message: object) -> None:
        try:
            says.write(packed(message))
        except BrokenPipeError:
            process.leave(RUN_IS_GONE)

    loop.add_reader(hears, hear)
    try:
        await work(await begun, parts, tell)
    except ClaimsLost:
        process.exit_code_at_end = ClaimsLost.exit_code
    except PyrusEtlError as error:
        tell(Failed(error))
    finally:
        loop.remove_reader(hears)


def _messages(heard: bytearray) -> Iterator[Any]:
    """Takes whole messages out of what was heard."""
    while len(heard) >= LENGTH.size:
        end = LENGTH.size + LENGTH.unpack_from(heard)[0]
        if len(heard) < end:
            return
        message = unpacked(bytes(heard[LENGTH.size : end]))
        del heard[:end]
        yield message
