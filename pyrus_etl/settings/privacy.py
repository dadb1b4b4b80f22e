"""What must not be stored as served: fields of forms, and the e-mails and phones of persons."""

import hashlib
import hmac
import re
from collections.abc import Iterator
from enum import Enum
from typing import NamedTuple

from pyrus_etl.errors import SettingsError

PERSON_PARTS = ("email", "phone")
TASK_TEXT = "task_text"
"""Stands for the texts of a task and of its comments."""
_RULE = re.compile(r"(?P<form>\d{1,18}|\*)/(?P<field>\w+)(?::(?P<length>\d{1,9}))?", re.ASCII)
_CHECKED = b"pyrus-etl: is this the key of the stored hashes?"
_EXAMPLE = "2371445/12 (form/field), 2371445/email or */phone (form/type), person/email or person/phone"


class Action(Enum):
    LEAVE_OUT = "leave out"
    HASH = "hash"
    CUT = "cut"


class Target(NamedTuple):
    """Fields of a form (of every form if None), by id or by type as Pyrus serves it; or a part of every person.

    `length`: the number of characters that are left of a text.
    """

    form_id: int | None
    field: str
    length: int = 0
    is_person: bool = False

    def is_in(self, forms: frozenset[int]) -> bool:
        """Whether the target is in one of the forms, and not a part of a person."""
        return not self.is_person and (self.form_id is None or self.form_id in forms)


Targets = tuple[Target, ...]
NOTHING: Targets = ()


def parse_targets(text: str, source: str) -> Targets:
    """Parses a list such as '2371445/12, */email, person/phone'."""
    return tuple(_target(part, source) for part in filter(None, map(str.strip, text.split(","))))


def parse_cuts(text: str, source: str) -> Targets:
    """Parses the same with a number of characters after each: '2371445/12:4'."""
    targets = parse_targets(text, source)
    if any(not target.length for target in targets):
        raise SettingsError(f"{source}: give the number of characters to keep, as in 2371445/12:4.")
    return targets


def _target(part: str, source: str) -> Target:
    head, _, rest = part.partition("/")
    name, _, length = rest.partition(":")
    if head == "person" and name in PERSON_PARTS and (length.isdecimal() or not length):
        return Target(None, name, int(length or 0), is_person=True)
    found = _RULE.fullmatch(part)
    if not found:
        raise SettingsError(f"{source}: {part[:60]!r} is neither a field nor a part of a person; write {_EXAMPLE}.")
    form_id = None if found["form"] == "*" else int(found["form"])
    return Target(form_id, found["field"].lower(), int(found["length"] or 0))


class Privacy(NamedTuple):
    """What to leave out, to hash with the key, and to cut; the first that names a value decides."""

    left_out: Targets = NOTHING
    hashed: Targets = NOTHING
    cut: Targets = NOTHING
    key: bytes = b""

    @property
    def is_needed(self) -> bool:
        return bool(self.left_out or self.hashed or self.cut)

    @property
    def digest(self) -> str:
        """The same for the same rules. The key is not in it, so that nobody can guess the key by it."""
        if not self.is_needed:
            return "none"
        rules = ((action.value, target.form_id, *target[1:]) for action, target in self.actions())
        return hashlib.sha256(repr(sorted(rules, key=repr)).encode()).hexdigest()

    @property
    def key_check(self) -> str | None:
        """Sixteen bits that depend on the key: enough to notice another key, too few to confirm a guess.

        None if nothing is hashed.
        """
        return hmac.new(self.key, _CHECKED, hashlib.sha256).hexdigest()[:4] if self.hashed else None

    def actions(self) -> Iterator[tuple[Action, Target]]:
        for action, targets in zip(Action, (self.left_out, self.hashed, self.cut), strict=True):
            for target in targets:
                yield action, target


OPEN = Privacy()
"""Everything is stored as served."""
