"""Where contents go: folders and buckets as URLs, and nothing outside them."""

import os
from pathlib import Path

import pytest

from pyrus_etl.errors import FileRefused, SettingsError, TargetUnavailable
from pyrus_etl.files.check import Corrupt
from pyrus_etl.files.target import folder_of, stored_at, target_url, uri_of
from tests.files.parts import Parts, put


@pytest.mark.parametrize("name", ["a b#c%d?é😀.txt", "100%.pdf", "a%2Fb"])
def test_a_url_of_a_file_leads_back_to_it(name: str, tmp_path: Path) -> None:
    target = target_url(str(tmp_path / "my files %20"))
    uri = uri_of(target, f"7/{name}")

    assert folder_of(target) == tmp_path / "my files %20"
    assert stored_at(uri) == (target, f"7/{name}")
    assert uri.isascii()
    assert " " not in uri


def test_a_folder_and_its_url_are_the_same_target() -> None:
    assert target_url("/srv/files/") == target_url("file:///srv/files") == "file:///srv/files"
    assert target_url("s3://bucket/a b/") == "s3://bucket/a%20b"


@pytest.mark.parametrize("text", ["", " ", "ftp://host/x", "s3://", "s3://key:canary@bucket/x", "s3://bucket?x=canary"])
def test_another_text_is_refused_without_its_secrets(text: str) -> None:
    with pytest.raises(SettingsError, match=r"^--to: ") as refused:
        target_url(text)

    assert "canary" not in str(refused.value) or "ftp" in text


@pytest.mark.parametrize("parts", [(b"",), (b"small",), (b"a" * 10, b"b" * 10, b"c")])
def test_contents_are_alone_in_their_folder(parts: tuple[bytes, ...], tmp_path: Path) -> None:
    (tmp_path / "7").mkdir()
    (tmp_path / "7" / "under an earlier name").write_bytes(b"old")
    put(target_url(str(tmp_path)), "7/name", Parts(*parts))

    assert [path for path in tmp_path.rglob("*") if path.is_file()] == [tmp_path / "7" / "name"]
    assert (tmp_path / "7" / "name").read_bytes() == b"".join(parts)


@pytest.mark.parametrize("parts", [(), (b"one",), (b"one", b"two", b"three")])
def test_contents_that_break_off_or_are_others_than_stated_leave_nothing(
    parts: tuple[bytes, ...], tmp_path: Path
) -> None:
    with pytest.raises(ValueError, match="cut"):
        put(target_url(str(tmp_path)), "7/name", Parts(*parts, error=ValueError("cut")))
    with pytest.raises(Corrupt, match="its MD5 is"):
        put(target_url(str(tmp_path)), "7/name", Parts(*parts, md5="0" * 32))

    assert list(tmp_path.iterdir()) == []


def test_links_below_the_target_are_not_followed(tmp_path: Path) -> None:
    outside, target = tmp_path / "outside", tmp_path / "target"
    outside.mkdir()
    target.mkdir()
    (outside / "name").write_bytes(b"mine")
    (target / "7").symlink_to(outside)
    (target / "8").mkdir()
    (target / "8" / "name").symlink_to(outside / "name")

    with pytest.raises(FileRefused, match="remove it"):
        put(target_url(str(target)), "7/name", Parts(b"new"))
    put(target_url(str(target)), "8/name", Parts(b"new"))

    assert (outside / "name").read_bytes() == b"mine"
    assert [each.name for each in outside.iterdir()] == ["name"]
    assert not (target / "8" / "name").is_symlink()


@pytest.mark.parametrize(
    ("place", "advice"), [("missing/folder", "create it"), ("file", "choose a folder"), ("file/x", "choose a folder")]
)
def test_a_folder_that_cannot_be_used_is_named(place: str, advice: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(TargetUnavailable, match=f"{tmp_path / place}: .*{advice}"):
        put(target_url(str(tmp_path / place)), "7/name", Parts(b"x"))

    assert os.listdir(tmp_path) == ["file"]
