"""A server of files for the benchmark: it logs anybody in over API v4, and the id of a file says how large it is.

`python -m tests.benchmarks.file_server` prints its port. A file's id is its size times `STEP`, plus a number.
"""

import asyncio
from collections.abc import AsyncIterator

from aiohttp import web

STEP = 1_000_000
BLOCK = bytes(range(256)) * 1024


def file_id(size: int, number: int) -> int:
    return size * STEP + number


async def answer(request: web.BaseRequest) -> web.StreamResponse:
    if request.path.endswith("/auth"):
        return web.json_response({"access_token": "benchmark"})
    if request.path.endswith("/profile"):
        return web.json_response({"person_id": 1, "first_name": "Bench", "last_name": "Mark", "email": "b@example.com"})
    size = int(request.path.rpartition("/")[2]) // STEP
    if size <= len(BLOCK):
        return web.Response(body=BLOCK[:size], content_type="application/octet-stream")
    response = web.StreamResponse(headers={"Content-Length": str(size)})
    await response.prepare(request)
    async for block in _blocks(size):
        await response.write(block)
    return response


async def _blocks(size: int) -> AsyncIterator[bytes]:
    for start in range(0, size, len(BLOCK)):
        yield BLOCK[: size - start]


async def main() -> None:
    runner = web.ServerRunner(web.Server(answer, access_log=None))
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    print(runner.addresses[0][1], flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
