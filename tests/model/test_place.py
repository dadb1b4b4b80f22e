"""Names of files and places, as people write them."""

import pytest

from pyrus_etl.errors import SettingsError
from pyrus_etl.model.place import FileName, Place, parse_file, parse_place


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("paymo:55", FileName("paymo", "55")),
        ("onlyoffice:18", FileName("onlyoffice", "18")),
        ("onlyoffice:dropbox-337-|a|b.txt", FileName("onlyoffice", "dropbox-337-|a|b.txt")),
        ("pyrus:123", FileName("pyrus", "123")),
        ("pyrus:08923d83-255b-4f18-b0eb-5c4d3b9bf1d2", FileName("pyrus", "08923d83-255b-4f18-b0eb-5c4d3b9bf1d2")),
    ],
)
def test_a_name_of_a_file_is_a_service_and_an_id(text: str, name: FileName) -> None:
    assert parse_file(text) == name
    assert str(name) == text


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("paymo:task/123", Place("paymo", "task", "123")),
        ("paymo:comment/1", Place("paymo", "comment", "1")),
        ("onlyoffice:task/9", Place("onlyoffice", "task", "9")),
        ("onlyoffice:project/3", Place("onlyoffice", "project", "3")),
        ("pyrus:task/7", Place("pyrus", "task", "7")),
        ("pyrus:", Place("pyrus")),
        ("paymo:", Place("paymo")),
    ],
)
def test_a_place_is_a_service_a_kind_and_an_id_or_a_service_alone(text: str, place: Place) -> None:
    assert parse_place(text) == place
    assert str(place) == text


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("55", "'55' names no service; write it like paymo:55 or paymo:task/9."),
        ("dropbox:55", "'dropbox' is not a file service; write pyrus, paymo or onlyoffice."),
        ("paymo:task/5", "'paymo:task/5' is a place; name a file, such as paymo:55."),
        ("paymo:", "'paymo:' is a place; name a file, such as paymo:55."),
        ("paymo:5x", "'paymo:5x' is not the name of a file; write it like paymo:55."),
        ("paymo:0", "'paymo:0' is not the name of a file; write it like paymo:55."),
        ("onlyoffice:..", "'onlyoffice:..' is not the name of a file; write it like onlyoffice:55."),
        ("onlyoffice:a/b", "'onlyoffice:a/b' is not the name of a file; write it like onlyoffice:55."),
    ],
)
def test_anything_else_is_not_the_name_of_a_file(text: str, problem: str) -> None:
    with pytest.raises(SettingsError) as raised:
        parse_file(text)

    assert str(raised.value) == f"FILE: {problem}"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("paymo:55", "'paymo:55' is not a place of paymo; write paymo:task/9, paymo:project/9, "),
        ("pyrus:project/5", "'pyrus:project/5' is not a place of pyrus; write pyrus:task/9."),
        ("onlyoffice:comment/5", "'onlyoffice:comment/5' is not a place of onlyoffice; write onlyoffice:task/9, "),
        ("paymo:task/x", "'paymo:task/x' has no valid id; write a number, as in paymo:task/9."),
        ("paymo:task/", "'paymo:task/' has no valid id"),
        ("paymo:task/٣", "'paymo:task/٣' has no valid id"),
    ],
)
def test_anything_else_is_not_a_place(text: str, problem: str) -> None:
    with pytest.raises(SettingsError) as raised:
        parse_place(text)

    assert str(raised.value).startswith(f"PLACE: {problem}")
