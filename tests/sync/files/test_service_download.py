"""`attachments download --service`: contents of files at Paymo and ONLYOFFICE, each whole or not at all."""

import json
from pathlib import Path

import pytest

from pyrus_etl.sandbox import onlyoffice, paymo
from pyrus_etl.sandbox.tasks.contents import bytes_of
from pyrus_etl.settings import Secret
from tests.runs import program
from tests.sync.files.test_files import environment, synced
from tests.typing import Query

pytestmark = pytest.mark.usefixtures("impatient")

Server = paymo.PaymoSandbox | onlyoffice.OnlyofficeSandbox
CONTENTS = "SELECT status, attempts, count(*) FROM pyrus.service_file_contents GROUP BY 1, 2 ORDER BY 1, 2"


def files_below(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def of_paymo(world: paymo.World) -> dict[str, bytes]:
    files = world.tables["files"].values()
    return {f"paymo/{each['id']}/{each['original_filename']}": bytes_of(world.contents[each["id"]]) for each in files}


def of_onlyoffice(world: onlyoffice.World) -> dict[str, bytes]:
    files = world.tables["files"].values()
    return {f"onlyoffice/{each['id']}/{each['title']}": bytes_of(world.versions[each["id"]][-1]) for each in files}


def downloaded(server: Server, database: Secret, to: Path, *options: str) -> dict[str, int]:
    """The counts of a download, without zeros, and its exit code."""
    name = "paymo" if isinstance(server, paymo.PaymoSandbox) else "onlyoffice"
    command = ("attachments", "download", "--service", name, "--to", str(to), "--json", *options)
    ended = program(*command, sandbox=None, database=database, **environment(server))
    assert "Traceback" not in ended.stderr, ended.stderr
    found = json.loads(ended.stdout)
    counted = {key.removeprefix("files_"): value for key, value in found.items() if key.startswith("files_") and value}
    return counted | {"exit": ended.returncode}


def test_files_of_other_services_are_stored_without_showing_their_key(
    database: Secret, query: Query, tmp_path: Path
) -> None:
    with (
        paymo.PaymoSandbox(paymo.World(), link_seconds=60) as company,
        onlyoffice.OnlyofficeSandbox(onlyoffice.World()) as portal,
    ):
        for server in (company, portal):
            synced(server, database)
            server.world.clock.advance(120)  # the links have expired by now
            count = len(server.world.ids("files"))
            assert downloaded(server, database, tmp_path) == {"listed": count, "stored": count, "exit": 0}
            assert downloaded(server, database, tmp_path) == {"exit": 0}

        assert files_below(tmp_path) == of_paymo(company.world) | of_onlyoffice(portal.world)
        assert (company.world.leaks, portal.world.leaks) == (0, 0)
    where = "SELECT DISTINCT service, contents FROM pyrus_report.all_files ORDER BY 1"
    assert query(database, where) == [("onlyoffice", "stored"), ("paymo", "stored")]


def test_what_is_gone_or_refused_is_recorded_and_tried_again(database: Secret, query: Query, tmp_path: Path) -> None:
    with paymo.PaymoSandbox(paymo.World()) as company:
        synced(company, database)
        gone = next(each for each in company.world.ids("files") if int(company.world.file(each)["size"]) < 3000)
        rest = [each for each in company.world.ids("files") if each != gone]
        kept, contents = company.world.file(gone), company.world.contents[gone]
        company.world.remove_file(gone)
        large = [each for each in rest if int(company.world.file(each)["size"]) > 3000]
        first = downloaded(company, database, tmp_path, "--max-size", "3000")
        company.world.tables["files"][gone], company.world.contents[gone] = kept, contents
        second = downloaded(company, database, tmp_path)

        stored = len(rest) - len(large)
        assert first == {"listed": stored + 1, "stored": stored, "skipped": len(large), "missing": 1, "exit": 6}
        assert second == {"listed": len(large) + 1, "stored": len(large) + 1, "exit": 0}
        assert query(database, CONTENTS) == [("stored", 1, len(rest)), ("stored", 2, 1)]
        assert files_below(tmp_path) == of_paymo(company.world)


def test_what_is_stored_is_verified_and_fetched_again_if_it_is_wrong(database: Secret, tmp_path: Path) -> None:
    with paymo.PaymoSandbox(paymo.World()) as company:
        synced(company, database)
        downloaded(company, database, tmp_path)
        right = program("attachments", "verify", "--service", "paymo", sandbox=None, database=database)
        changed, missing = sorted(path for path in tmp_path.rglob("*") if path.is_file())[:2]
        changed.write_bytes(b"changed")
        missing.unlink()
        wrong = program("attachments", "verify", "--service", "paymo", "--json", sandbox=None, database=database)

        assert (right.returncode, wrong.returncode) == (0, 6)
        assert json.loads(wrong.stdout)["files_wrong"] == 2
        assert downloaded(company, database, tmp_path) == {"listed": 2, "stored": 2, "exit": 0}
        assert files_below(tmp_path) == of_paymo(company.world)


def test_prune_shows_what_is_gone_at_a_service_and_deletes_it_with_yes(database: Secret, tmp_path: Path) -> None:
    def pruned(*options: str) -> dict[str, object]:
        command = ("attachments", "verify", "--service", "paymo", "--prune", "--json", *options)
        found: dict[str, object] = json.loads(program(*command, sandbox=None, database=database).stdout)
        return found

    with paymo.PaymoSandbox(paymo.World()) as company:
        synced(company, database)
        downloaded(company, database, tmp_path)
        gone = company.world.ids("files")[0]
        path = next((tmp_path / "paymo" / str(gone)).iterdir())
        company.world.remove_file(gone)
        before = pruned()
        synced(company, database)
        shown, kept = pruned(), path.exists()
        deleted = pruned("--yes")

        assert (before["files_to_prune"], shown["uris"], kept) == (0, [path.as_uri()], True)
        assert (deleted["files_pruned"], pruned()["files_to_prune"]) == (1, 0)
        assert files_below(tmp_path) == of_paymo(company.world)
        assert not path.parent.exists()


def test_a_form_belongs_to_pyrus_alone(database: Secret) -> None:
    ended = program("attachments", "download", "--service", "paymo", "--form", "1", sandbox=None, database=database)

    assert ended.returncode == 2
    assert "belong to no form" in ended.stderr
