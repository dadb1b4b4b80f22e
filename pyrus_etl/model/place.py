"""How people name files and the places that files are attached to: paymo:55, onlyoffice:task/9, pyrus:."""

import re
from typing import NamedTuple

from pyrus_etl.errors import SettingsError

PYRUS, PAYMO, ONLYOFFICE = "pyrus", "paymo", "onlyoffice"
KINDS = {
    PYRUS: ("task",),
    PAYMO: ("task", "project", "discussion", "comment"),
    ONLYOFFICE: ("task", "project", "discussion", "folder"),
}
"""Service → the kinds of places of its files. A discussion of ONLYOFFICE is what its API calls a message."""

_PLACE = re.compile(r"(?P<kind>[a-z]+)/(?P<id>.*)", re.DOTALL)
_NUMBER = re.compile(r"[1-9][0-9]{0,17}")
_FILE_IDS = {
    PYRUS: re.compile(r"[^\s\x00-\x1f]{1,200}"),  # digits for an attachment, text for an upload that waits for a task
    PAYMO: _NUMBER,
    ONLYOFFICE: re.compile(r"[^\s/?#\\\x00-\x1f]{1,200}"),  # those of connected clouds are text
}
LONGEST_SHOWN = 60


class FileName(NamedTuple):
    """The name of a file: `paymo:55`, `onlyoffice:18`; `pyrus:123` is an attachment."""

    service: str
    file_id: str

    def __str__(self) -> str:
        return f"{self.service}:{self.file_id}"


class Place(NamedTuple):
    """What a file is attached to: `paymo:task/123`. Without a kind, `paymo:`, an upload is attached to nothing."""

    service: str
    kind: str = ""
    place_id: str = ""

    def __str__(self) -> str:
        return f"{self.service}:{self.kind}/{self.place_id}" if self.kind else f"{self.service}:"


def parse_file(text: str, source: str = "FILE") -> FileName:
    """Parses the name of a file; raises SettingsError, which says how to write one."""
    service, rest = _parts(text, source)
    if not rest or _is_place(service, rest):
        raise SettingsError(f"{source}: {_shown(text)} is a place; name a file, such as {service}:55.")
    if not _FILE_IDS[service].fullmatch(rest) or rest.strip(".") == "":
        raise SettingsError(f"{source}: {_shown(text)} is not the name of a file; write it like {service}:55.")
    return FileName(service, rest)


def parse_place(text: str, source: str = "PLACE") -> Place:
    """Parses a place; raises SettingsError, which says how to write one."""
    service, rest = _parts(text, source)
    if not rest:
        return Place(service)
    found = _PLACE.fullmatch(rest)
    examples = _listed([f"{service}:{kind}/9" for kind in KINDS[service]])
    if not found or found["kind"] not in KINDS[service]:
        raise SettingsError(f"{source}: {_shown(text)} is not a place of {service}; write {examples}.")
    if not _NUMBER.fullmatch(found["id"]):
        raise SettingsError(f"{source}: {_shown(text)} has no valid id; write a number, as in {service}:task/9.")
    return Place(service, found["kind"], found["id"])


def parse_service(text: str, source: str = "SERVICE") -> str:
    """Parses the name of a service, with or without a colon."""
    if (service := text.removesuffix(":")) in KINDS:
        return service
    raise SettingsError(f"{source}: {_shown(text)} is not a file service; write {_listed(list(KINDS))}.")


def _parts(text: str, source: str) -> tuple[str, str]:
    service, colon, rest = text.partition(":")
    if not colon:
        raise SettingsError(f"{source}: {_shown(text)} names no service; write it like paymo:55 or paymo:task/9.")
    return parse_service(service, source), rest


def _is_place(service: str, rest: str) -> bool:
    found = _PLACE.fullmatch(rest)
    return bool(found and found["kind"] in KINDS[service])


def _shown(text: str) -> str:
    return repr(text if len(text) <= LONGEST_SHOWN else f"{text[:LONGEST_SHOWN]}…")


def _listed(names: list[str]) -> str:
    return f"{', '.join(names[:-1])} or {names[-1]}" if names[1:] else names[0]
