"""A cluster as users have it: commands, files with secrets, and workers as processes or in the test itself."""

import asyncio
import subprocess
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec

from pyrus_etl.cluster.duty import Duty
from pyrus_etl.cluster.worker import work
from pyrus_etl.errors import Stopped
from pyrus_etl.sandbox import Sandbox
from pyrus_etl.settings import Secret, Settings
from pyrus_etl.sync.run import Budget
from pyrus_etl.sync.stop import Stop
from tests.conftest import loaded
from tests.forked import Running
from tests.processes import started
from tests.runs import program


@dataclass(frozen=True)
class Cluster:
    """`url`: of its database; `folder`: has the files with secrets."""

    url: Secret
    folder: Path

    def program(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        given = {"PYRUS_ETL_CLUSTER_URL": self.url.reveal(), **environment}
        return program(*arguments, sandbox=None, database=None, **given)

    def worker(self, *arguments: str, **environment: str) -> AbstractContextManager[Running]:
        given = {"PYRUS_ETL_CLUSTER_URL": self.url.reveal(), **environment}
        return started("worker", *arguments, sandbox=None, database=None, **given)

    def add(self, org: str, sandbox: Sandbox, database: Secret | None, *more: str) -> subprocess.CompletedProcess[str]:
        """Adds the account of the sandbox; its files are written."""
        key = self.file(f"{org}.key", sandbox.options.security_key)
        where = ["--database-url-file", self.file(f"{org}.url", database.reveal())] if database else []
        arguments = ["--login", sandbox.options.login, "--key-file", key, "--url", sandbox.url, "--api", "v4"]
        return self.program("cluster", "add", org, *arguments, *where, *more)

    def file(self, name: str, text: str) -> str:
        path = self.folder / name
        path.write_text(text, encoding="utf-8")
        path.chmod(0o600)
        return str(path)

    def status(self) -> dict[str, Any]:
        found = self.program("cluster", "status", "--json")
        assert found.returncode == 0, found.stderr
        status: dict[str, Any] = msgspec.json.decode(found.stdout)
        return status

    def settings(self, **environment: str) -> Settings:
        return loaded({"PYRUS_ETL_CLUSTER_URL": self.url.reveal(), **environment})

    @contextmanager
    def working(self, url: Secret | None = None, seconds: float = 60, **environment: str) -> Iterator[None]:
        """A worker in a thread of the test: the real one, except that a call stops it and not a signal."""
        settings, budget = self.settings(**environment), Budget(seconds=seconds)
        duty = Duty("in the test", budget=budget, plan_every=timedelta(seconds=1))
        failures: list[BaseException] = []
        ready = threading.Event()
        loop: asyncio.AbstractEventLoop
        stop: Stop

        async def live() -> None:
            nonlocal loop, stop
            loop, stop = asyncio.get_running_loop(), Stop()
            ready.set()
            await work(settings, url or self.url, duty, stop)

        def begin() -> None:
            try:
                asyncio.run(live())
            except BaseException as failure:
                failures.append(failure)

        thread = threading.Thread(target=begin)
        thread.start()
        ready.wait()
        try:
            yield
        finally:
            if thread.is_alive():
                loop.call_soon_threadsafe(stop.ask, Stopped(15))
            thread.join()
        if failures:
            raise failures[0]
