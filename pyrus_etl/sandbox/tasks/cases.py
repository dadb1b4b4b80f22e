"""The planned history of a task: a pure function of the seed and the task's ordinal.

A case is cheap to compute (a few microseconds) and is enough for a row of a list. `bodies` writes the notes and the
form from it.
"""

from __future__ import annotations

import msgspec

from pyrus_etl.sandbox.organisation.clock import DAY, MINUTE, midnight
from pyrus_etl.sandbox.organisation.dice import Dice, mix
from pyrus_etl.sandbox.organisation.forms import KINDS, Kind
from pyrus_etl.sandbox.organisation.people import BUSY, Person
from pyrus_etl.sandbox.organisation.projects import BOARD, Project, project

Kinds = tuple[Kind, ...]
KIND_OF: Kinds = tuple(kind for kind in KINDS for _ in range(kind.share))
SPANS = {kind.median: tuple(kind.median * (10 + 100 * q**3 // 128**3) // 100 for q in range(256)) for kind in KINDS}
PLAIN_SHARE = 12
LONGEST = max(max(spans) for spans in SPANS.values()) + MINUTE
FIRST_FORM = 6_000_000
PLAIN_ID, WIDE_ID, VAST_ID = 20_000_000, 3_000_000_000, 2**53 + 1
EXTRAS = ("comment", "comment", "comment", "attach", "attach", "change", "reassign", "postpone", "refile")


class Case(msgspec.Struct, frozen=True):
    """A task without its events: `roles` are the kinds of its notes so far, `dates` are their dates.

    A task that an account `made` by an API has no notes before its events, and no values that were not written.
    """

    ordinal: int
    id: int
    word: int
    kind: Kind
    text: str
    author: Person
    first: Person
    heir: Person
    steps: tuple[tuple[Person, ...] | None, ...]
    due: int | None
    later: int | None
    asap: bool
    home: Project
    also: Project
    parent: int | None
    roles: tuple[str, ...]
    dates: tuple[int, ...]
    made: bool = False


def task_id(ordinal: int) -> int:
    """Ids grow with the ordinal in each of three ranges: ordinary, above 32 bits, and above 2^53."""
    if ordinal % 1000 == 11:
        return VAST_ID + 3 * ordinal
    return (WIDE_ID if ordinal % 10 == 7 else PLAIN_ID) + 3 * ordinal


def ordinal_of(task: int) -> int:
    """The ordinal of an id; -1 if no task can have that id."""
    base = VAST_ID if task >= VAST_ID else WIDE_ID if task >= WIDE_ID else PLAIN_ID
    ordinal = (task - base) // 3
    return ordinal if ordinal >= 0 and task_id(ordinal) == task else -1


def kinds_of(forms: int) -> Kinds:
    """256 kinds, by share: a few plain tasks, and this number of forms, which are copies of the usual ones."""
    plain, usual = KINDS[0], KINDS[1:]
    copies = [
        msgspec.structs.replace(kind, name=name, project=project(FIRST_FORM + number, name), lists=(), settled=True)
        for number in range(forms)
        for kind in (usual[number % len(usual)],)
        for name in (f"{kind.name} {number + 1}",)
    ]
    return (plain,) * PLAIN_SHARE + tuple(copies[place % forms] for place in range(256 - PLAIN_SHARE))


def span(word: int, kinds: Kinds = KIND_OF) -> int:
    """Milliseconds from the first note to the last; 0 if nobody ever touches the task."""
    if quiet(word):
        return 0
    return SPANS[kinds[word & 255].median][word >> 8 & 255] + (word >> 24) % MINUTE


def quiet(word: int) -> bool:
    return (word >> 16 & 255) >= 251


def stuck(word: int) -> bool:
    """Whether the task is never closed."""
    return (word >> 16 & 255) < 14 or quiet(word)


def roles(word: int, dice: Dice, approvers: int, talk: int) -> list[str]:
    """The kinds of the notes of a task, from the first to the last."""
    if quiet(word):
        return ["open"]
    middle = ["approve"] * approvers
    once: set[str] = set()
    for _ in range(2 + dice.roll(talk + 4)):
        role = dice.pick(EXTRAS)
        if role not in once or role in ("comment", "attach", "change"):
            middle.insert(dice.roll(len(middle) + 1), role)
        once.add(role)
    ending = ["complete"]
    if dice.chance(7):
        middle, ending = deviation(dice, middle, approvers)
    if stuck(word):
        ending = ending[:-1] or ["comment"] * (not middle)
    return ["open", *middle, *ending]


def deviation(dice: Dice, middle: list[str], approvers: int) -> tuple[list[str], list[str]]:
    """The notes of the 7 % of tasks that do not go straight to their end: the middle, and the ending."""
    turn = dice.pick(("reopen", "clear", "unfile", "reject", "rerequest", "revoke", "remove", "add"))
    if turn == "reopen":
        return middle, ["complete", "reopen", "complete"]
    if turn == "reject" and approvers:
        return [role for role in middle if role != "approve"] + ["reject"], ["complete"]
    if turn == "rerequest" and approvers:
        return [*middle, "rerequest", "approve"], ["complete"]
    return [*middle, turn], ["complete"]


def dates(whole: int, created: int, plan: list[str], dice: Dice, approvers: list[Person]) -> list[int]:
    """The date of each note; the last is at the end of the span. The overloaded approver takes longer."""
    if len(plan) == 1:
        return [created]
    weights, decisions = [], iter(approvers)
    for role in plan[1:]:
        slow = role == "approve" and next(decisions, None) is BUSY
        weights.append((1 + dice.roll(8)) * (6 if slow else 1))
    total, passed = sum(weights), 0
    found = [created]
    for weight in weights:
        passed += weight
        found.append(created + whole * passed // total)
    return found


def steps(dice: Dice, kind: Kind) -> tuple[tuple[Person, ...] | None, ...]:
    """The approvers of each step. Some steps are skipped (None), some have two approvers."""
    if not kind.fields and dice.chance(85):
        return ()
    pools = kind.steps or (() if kind.fields else (kind.agents[:9],))
    found: list[tuple[Person, ...] | None] = []
    for place, pool in enumerate(pools):
        if place + 1 < len(pools) and dice.chance(15):
            found.append(None)
        else:
            one, other = dice.pick(pool), dice.pick(pool)
            found.append((one, other) if one is not other and dice.chance(18) else (one,))
    return tuple(found)


def case(seed: int, ordinal: int, created: int, until: int, kinds: Kinds = KIND_OF) -> Case:
    """The task with this ordinal, with its notes up to the instant `until`."""
    word = mix(seed, ordinal)
    dice = Dice(word)
    kind = kinds[word & 255]
    asked = steps(dice, kind)
    approvers = [one for step in asked if step for one in step]
    plan = _settled(roles(word, dice, len(approvers), kind.talk), word, kind)
    when = dates(span(word, kinds), created, plan, dice, approvers)
    seen = 1 + sum(date <= until for date in when[1:])
    due = midnight(created + kind.median) + DAY * dice.roll(20) if dice.chance(75) else None
    later = midnight(due or created) + DAY * (3 + dice.roll(15))
    child = not kind.fields and ordinal > 40 and dice.chance(20)
    home = dice.pick(kind.lists) if kind.lists else kind.project or BOARD[0]
    also = dice.roll(len(BOARD))
    return Case(
        ordinal,
        task_id(ordinal),
        word,
        kind,
        dice.pick(kind.topics) + dice.pick(kind.objects),
        dice.pick(kind.authors),
        dice.pick(kind.agents),
        dice.pick(kind.agents),
        asked,
        due,
        later,
        dice.chance(4),
        home,
        BOARD[also if BOARD[also] is not home else also - 1],
        task_id(ordinal - 1 - dice.roll(40)) if child else None,
        tuple(plan[:seen]),
        tuple(when[:seen]),
    )


def _settled(plan: list[str], word: int, kind: Kind) -> list[str]:
    """The notes without those that file the task in another list, except for every eighth task."""
    if not kind.settled or word >> 40 & 7 == 0:
        return plan
    kept = [role for role in plan if role != "refile"]
    return kept if len(kept) > 1 else plan


def closed(case: Case) -> int | None:
    """When the task was closed; None if it is open."""
    for role, date in zip(reversed(case.roles), reversed(case.dates), strict=True):
        if role in ("complete", "reopen"):
            return date if role == "complete" else None
    return None
