"""`pip install .` in an empty environment gives a working program in any folder, migrations included."""

import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest

from pyrus_etl.settings import Secret
from tests.runs import CHECKOUT
from tests.typing import Query


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the programs of an environment with our wheel, and the libraries of this one."""
    folder = tmp_path_factory.mktemp("install")
    built = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--no-build-isolation", "-w", str(folder)]
    subprocess.run([*built, str(CHECKOUT)], check=True, timeout=120)
    (wheel,) = folder.glob("*.whl")
    venv.create(folder / "env", with_pip=False, symlinks=True)
    (site,) = (folder / "env" / "lib").glob("*/site-packages")
    target = ["--target", str(site), "--no-deps", "-q", str(wheel)]
    subprocess.run([sys.executable, "-m", "pip", "install", *target], check=True, timeout=120)
    (site / "libraries.pth").write_text(sysconfig.get_path("purelib") + "\n", encoding="utf-8")
    return folder / "env" / "bin"


def run(installed: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    code = "import sys; from pyrus_etl.__main__ import main; main()"
    command = [str(installed / "python"), "-c", code, *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, cwd="/")


def test_the_wheel_brings_the_schema_up_from_any_folder(installed: Path, empty_database: Secret, query: Query) -> None:
    process = run(installed, "db", "upgrade", DATABASE_URL=empty_database.reveal())
    checked = run(installed, "db", "check", DATABASE_URL=empty_database.reveal())

    assert (process.returncode, checked.returncode) == (0, 0), process.stderr + checked.stderr
    assert query(empty_database, "SELECT count(*) FROM pyrus.tasks") == [(0,)]


def test_the_wheel_makes_the_page(installed: Path, database: Secret, tmp_path: Path) -> None:
    process = run(installed, "report", "--html", str(tmp_path / "page.html"), DATABASE_URL=database.reveal())

    assert process.returncode == 0, process.stderr
    assert "Content-Security-Policy" in (tmp_path / "page.html").read_text(encoding="utf-8")


def test_it_is_the_wheel_that_runs_and_not_the_checkout(installed: Path) -> None:
    code = "import pyrus_etl; print(pyrus_etl.__file__)"
    process = subprocess.run(
        [str(installed / "python"), "-c", code], capture_output=True, text=True, cwd="/", check=True
    )

    assert process.stdout.startswith(str(installed.parent))


def test_it_says_its_version(installed: Path) -> None:
    assert run(installed, "--version").stdout.startswith("pyrus-etl, version ")
