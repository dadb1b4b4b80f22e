"""Downloads measured: many files into a folder beside curl, and into an S3 server beside s3fs; one large file."""

import hashlib
import json
import os
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from statistics import median
from typing import NamedTuple

import psycopg

from pyrus_etl.settings import Secret
from tests.benchmarks.figure import Figure
from tests.benchmarks.file_server import BLOCK, file_id
from tests.benchmarks.stand import CHECKOUT, Ran, Stand, run

ROUNDS = 3
SMALL = 100_000
LARGE = 500_000_000


class Served(NamedTuple):
    """A file server with some files of one size, and a database whose attachments they are."""

    url: str
    database: Secret
    size: int
    number: int

    def connection(self) -> psycopg.Connection:
        return psycopg.connect(self.database.reveal(), autocommit=True)

    def urls(self) -> list[str]:
        return [f"{self.url}/api/v4/files/download/{file_id(self.size, each)}" for each in range(self.number)]


def files(stand: Stand, number: int, large: int, peer_python: Path | None) -> Iterator[Figure]:
    """Compares downloads with curl's and s3fs's from the same server: interleaved rounds, medians, without start-up."""
    with _serving("tests.benchmarks.file_server") as port, stand.database("bench_files") as database:
        url = f"http://127.0.0.1:{port}"
        yield from _small(Served(url, database, SMALL, number), peer_python)
    with _serving("tests.benchmarks.file_server") as port, stand.database("bench_files") as database:
        yield from _one(Served(f"http://127.0.0.1:{port}", database, large, 1))


def _small(served: Served, peer_python: Path | None) -> Iterator[Figure]:
    _insert(served)
    kind = f"{served.number:,} files of 100 KB"
    pairs = _beside_curl(served)
    ours = median(served.number / _seconds(ran) for _, ran in pairs)
    share = median(curl / _seconds(ran) for curl, ran in pairs)
    yield Figure(f"{kind} into a folder", ours, "files/s")
    yield Figure("into a folder, of curl --parallel", share, "×", "≥ 0.6", share >= 0.6)
    memory = max(ran.megabytes for _, ran in pairs)
    yield Figure("into a folder, most memory", memory, "MB", "< 100", memory < 100)
    if peer_python:
        with _object_store() as endpoint:
            rounds = [(_s3fs(served, peer_python, endpoint), _bucket(served, endpoint)) for _ in range(ROUNDS)]
        times = median(peer / _seconds(ran) for peer, ran in rounds)
        yield Figure(f"{kind} into S3, of s3fs", times, "×", "≥ 1.5", times >= 1.5)


def _one(served: Served) -> Iterator[Figure]:
    _insert(served)
    kind = f"one file of {served.size // 1_000_000:,} MB"
    pairs = _beside_curl(served)
    share = median(curl / _seconds(ran) for curl, ran in pairs)
    memory = max(ran.megabytes for _, ran in pairs)
    yield Figure(f"{kind}, of curl", share, "×", "≥ 0.7", share >= 0.7)
    yield Figure(f"{kind}, most memory", memory, "MB", "< 100", memory < 100)
    _state_md5(served)
    share = median(curl / _seconds(ran) for curl, ran in _beside_curl(served))
    yield Figure(f"{kind} whose MD5 is checked, of curl", share, "×")


def _beside_curl(served: Served) -> list[tuple[float, Ran]]:
    """Rounds of curl and ours.

    Every round has folders of its own, and all stay until the end: for minutes after many files were deleted, ext4 is
    slow to create others.
    """
    with tempfile.TemporaryDirectory(prefix="bench-files-") as folder, served.connection() as connection:
        pairs = []
        for place in range(ROUNDS):
            connection.execute("TRUNCATE pyrus.attachment_contents")
            pairs.append((_curl(served, f"{folder}/curl{place}"), _download(served, f"{folder}/ours{place}")))
        return pairs


def _insert(served: Served) -> None:
    """Makes the files attachments of tasks, a file each."""
    ids = [file_id(served.size, each) for each in range(served.number)]
    with served.connection() as connection:
        connection.execute(
            "INSERT INTO pyrus.tasks (task_id, asap, is_any_rejected) SELECT unnest(%s::bigint[]), false, false", [ids]
        )
        connection.execute(
            "INSERT INTO pyrus.attachments (task_id, attachment_id, name, size_bytes) "
            "SELECT id, id, id || '.bin', %s FROM unnest(%s::bigint[]) AS id",
            [served.size, ids],
        )


def _state_md5(served: Served) -> None:
    digest = hashlib.md5(usedforsecurity=False)
    for start in range(0, served.size, len(BLOCK)):
        digest.update(BLOCK[: served.size - start])
    with served.connection() as connection:
        connection.execute("UPDATE pyrus.attachments SET md5_hash = %s", [digest.hexdigest()])


def _curl(served: Served, folder: str) -> float:
    """Seconds that curl takes for the files, 16 at a time."""
    Path(folder).mkdir()
    wanted = "".join(f'url="{url}"\noutput="{folder}/{place}"\n' for place, url in enumerate(served.urls()))
    began = time.perf_counter()
    command = "curl --silent --no-progress-meter --fail --parallel --parallel-max 16 --config -"
    subprocess.run(command.split(), input=wanted, text=True, check=True)
    return time.perf_counter() - began


def _bucket(served: Served, endpoint: str) -> Ran:
    place = f"s3://bucket/ours{time.monotonic_ns()}"
    return _download(served, place, AWS_ENDPOINT_URL=endpoint, AWS_ACCESS_KEY_ID="key", AWS_SECRET_ACCESS_KEY="secret")


def _download(served: Served, to: str, **more: str) -> Ran:
    command = [sys.executable, "-m", "pyrus_etl", "attachments", "download", "--json", "--to", to]
    account = {"PYRUS_URL": served.url, "PYRUS_LOGIN": "b@example.com", "PYRUS_SECURITY_KEY": "key", "PYRUS_API": "v4"}
    ran = run(command, None, served.database, PYRUS_ETL_LOG_LEVEL="WARNING", **account, **more)
    if ran.report["files_stored"] != served.number:
        raise RuntimeError(f"{ran.report['files_stored']} of {served.number} files are stored")
    return ran


def _seconds(ran: Ran) -> float:
    began, ended = (datetime.fromisoformat(ran.report[name]) for name in ("started_at", "finished_at"))
    return (ended - began).total_seconds()


def _s3fs(served: Served, python: Path, endpoint: str) -> float:
    peer = str(Path(__file__).with_name("s3fs_peer.py"))
    environment = {"PATH": os.environ["PATH"], "AWS_ENDPOINT_URL": endpoint, "AWS_DEFAULT_REGION": "us-east-1"}
    process = subprocess.run(
        [str(python), peer], input="\n".join(served.urls()), text=True, check=True, capture_output=True, env=environment
    )
    return float(json.loads(process.stdout)["seconds"])


@contextmanager
def _object_store() -> Iterator[str]:
    """An S3 server with a bucket named `bucket`, in a process of its own."""
    with _serving("tests.benchmarks.object_store") as port:
        endpoint = f"http://127.0.0.1:{port}"
        urllib.request.urlopen(urllib.request.Request(f"{endpoint}/bucket", method="PUT")).close()
        yield endpoint


@contextmanager
def _serving(module: str) -> Iterator[int]:
    """Runs a server that prints its port."""
    environment = {**os.environ, "PYTHONPATH": str(CHECKOUT)}
    with subprocess.Popen(
        [sys.executable, "-m", module], stdout=subprocess.PIPE, text=True, env=environment
    ) as process:
        try:
            assert process.stdout
            yield int(process.stdout.readline())
        finally:
            process.terminate()
