"""The file services of the sandbox, asked in this process."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TypeVar

from pyrus_etl.client.network.file import Download
from pyrus_etl.client.network.form import Contents
from pyrus_etl.extract.files.file_service import FileService
from pyrus_etl.extract.files.services import opened
from pyrus_etl.model.file import ServiceFile
from pyrus_etl.model.place import Place, parse_place
from pyrus_etl.sandbox.onlyoffice import OnlyofficeSandbox
from pyrus_etl.sandbox.paymo import PaymoSandbox
from tests.conftest import loaded

T = TypeVar("T")


def paymo_environment(server: PaymoSandbox) -> dict[str, str]:
    return {"PAYMO_URL": server.url, "PAYMO_API_KEY": server.options.api_key}


def onlyoffice_environment(server: OnlyofficeSandbox) -> dict[str, str]:
    return {"ONLYOFFICE_URL": server.url, "ONLYOFFICE_TOKEN": server.options.token}


def asked(name: str, environment: dict[str, str], ask: Callable[[FileService], Awaitable[T]]) -> T:
    """Opens a service and asks it."""

    async def answer() -> T:
        async with opened(name, loaded(environment)) as service:
            return await ask(service)

    return asyncio.run(answer())


def contents(name: str, content: bytes) -> Contents:
    async def read() -> AsyncIterator[bytes]:
        yield content

    return Contents(name, len(content), "text/plain", read)


async def listed(service: FileService, place: str | Place) -> list[ServiceFile]:
    at = parse_place(place) if isinstance(place, str) else place
    return [file async for file in service.files_at(at)]


async def read(service: FileService, file: ServiceFile) -> bytes:
    async with service.open(file) as opened_file:
        assert isinstance(opened_file, Download), opened_file
        return b"".join([piece async for piece in opened_file.chunks])
