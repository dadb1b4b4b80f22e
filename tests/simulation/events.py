"""The events of a world: changes of tasks, of rights and of the clock."""

from collections.abc import Callable, Mapping
from random import Random
from typing import NamedTuple

KINDS = {
    "create": 4,
    "edit": 12,
    "close": 3,
    "reopen": 2,
    "purge": 2,
    "backdate": 3,
    "late": 6,
    "delete": 2,
    "restore": 1,
    "revoke": 2,
    "grant": 2,
    "unlist": 2,
    "relist": 1,
    "spoil": 1,
    "repair": 1,
    "again": 6,
    "lag": 6,
    "advance": 5,
    "skew": 1,
}
"""Every kind of event, and its weight. late: lists show a change minutes after its date. again: a
second change in the same second as the last one. lag: the next answer
for a task is its body from before its last change."""

KINDS_V4 = {
    "live": 6,
    "create": 2,
    "edit": 4,
    "close": 2,
    "reopen": 2,
    "edit_note": 2,
    "delete_note": 2,
    "take_out": 2,
    "delete": 2,
    "restore": 2,
    "unlist": 6,
    "relist": 1,
    "grant": 4,
    "advance": 4,
}
"""The same over API v4. live: the usual changes, over some time. grant: an account has other rights in a form."""

UNSEEN = ("backdate", "restore", "grant", "relist")
"""Changes that no date shows."""

PASSAGES = (1, 20, 600, 2400, 7200, 86_400, 3 * 86_400)
MOST_LATE = 1500
"""Seconds: within the overlap of half an hour."""
MOST_SKEW = 900
"""Seconds, ahead or behind. The overlap is half an hour, so the clock may even switch between them from run to run."""


class Event(NamedTuple):
    """One event; `pick` chooses the task, or the account and its form, among those to which it can happen."""

    kind: str
    pick: int
    amount: int = 0

    def __str__(self) -> str:
        return f"{self.kind} {self.amount if self.kind in ('advance', 'skew') else self.pick}"


def any_event(dice: Random, kinds: Mapping[str, int] = KINDS) -> Event:
    kind = dice.choices(list(kinds), list(kinds.values()))[0]
    amounts: dict[str, Callable[[], int]] = {
        "advance": lambda: dice.choice(PASSAGES),
        "skew": lambda: dice.randint(-MOST_SKEW, MOST_SKEW),
        "late": lambda: dice.randint(1, MOST_LATE),
        "backdate": lambda: dice.randrange(1, 300 * 86_400_000),
        "create": lambda: dice.randint(1, 3),
        "live": lambda: dice.choice((5, 600, 7200)),
        "grant": lambda: dice.randrange(1000),
    }
    amount = amounts[kind]() if kind in amounts else 0
    return Event(kind, dice.randrange(1000), amount)
