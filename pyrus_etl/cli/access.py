"""The checks of API v4: what the account may see, and what a first sync will cost."""

from collections import Counter
from collections.abc import Iterator
from typing import Any, NamedTuple

import msgspec

from pyrus_etl.model.access import RIGHTS, SEES_ALL_TASKS, Access, FormAccess
from pyrus_etl.settings import Quota

NAMED = 3
"""How many forms a line names; `--json` has all of them."""
REQUESTS_OF_A_RUN = 10
"""The login, the profile and the directory."""
REGISTERS_OF_A_FORM = 2
"""One with the values of all tasks, and one that tells the open ones."""


class Line(NamedTuple):
    """A message about what the account sees; a warning says what to do."""

    text: str
    is_warning: bool = False


def lines(access: Access, quota: Quota) -> Iterator[tuple[str, Line]]:
    """The title and the line of each check."""
    yield "rights", rights(access)
    yield "forms", forms(access)
    yield "directory", directory(access)
    yield "backfill", first_sync(access, quota)


def rights(access: Access) -> Line:
    """Whether the account sees tasks beyond its own."""
    match access.sees_all_tasks:
        case True:
            others = [name for name in access.rights_by_name if name != RIGHTS[SEES_ALL_TASKS]]
            return Line(f"can see all tasks; further rights: {', '.join(others) or 'none'}")
        case False:
            return Line(
                "cannot see all tasks, so tasks of others outside its forms and lists are missing; "
                "an administrator of Pyrus can grant this right",
                is_warning=True,
            )
    return Line("unknown: Pyrus does not tell the rights of this account", is_warning=True)


def forms(access: Access) -> Line:
    """The levels of the account in its forms, and which registers it cannot read, or not whole."""
    levels = Counter(form.level or "level unknown" for form in access.forms)
    counts = ", ".join(f"{level} {count}" for level, count in levels.items())
    text = f"{_many(len(access.forms), 'form')}{': ' * bool(counts)}{counts}"
    if not access.forms and not access.unseen:
        return Line("none; give the person or bot access to forms in Pyrus", is_warning=True)
    complaints = [*_unseen(access), *_refused(access), *_partial(access)]
    return Line("; ".join([text, *complaints]), is_warning=bool(complaints))


def directory(access: Access) -> Line:
    return Line(f"{_many(access.lists, 'list')}, {_many(access.catalogs, 'catalog')}")


def first_sync(access: Access, quota: Quota) -> Line:
    """How many requests a first sync takes, and how long at this quota; the first rows come much earlier."""
    tasks = sum(form.tasks or 0 for form in access.forms)
    about = "at least" if any(form.has_more for form in access.forms) else "about"
    first = REQUESTS_OF_A_RUN + REGISTERS_OF_A_FORM * len(access.forms) + access.lists + access.catalogs
    seconds = (first + tasks - 1) // quota.requests * quota.period  # those of a whole period may pass at once
    return Line(
        f"{tasks:,} tasks in forms: first rows after about {first:,} requests; everything after {about} "
        f"{first + tasks:,}, which takes {about} {duration(seconds)} at this quota; each task that is "
        "only in lists takes one more"
    )


def details(access: Access) -> dict[str, Any]:
    """All of it, for `--json`."""
    plain: dict[str, Any] = msgspec.to_builtins(access)
    return plain | {"sees_all_tasks": access.sees_all_tasks, "rights_by_name": access.rights_by_name}


def _unseen(access: Access) -> Iterator[str]:
    if access.unseen:
        ids = ", ".join(map(str, access.unseen[:NAMED]))
        yield f"the account sees no form {ids}: correct PYRUS_ETL_FORMS, or give the person or bot access to the form"


def _refused(access: Access) -> Iterator[str]:
    refused = [form for form in access.forms if form.refusal is not None]
    if refused:
        yield (
            f"Pyrus refuses the register of {_named(refused)}: {refused[0].refusal}; make the account a manager of the "
            "form, or leave the form out by --forms"
        )


def _partial(access: Access) -> Iterator[str]:
    partial = [form for form in access.forms if form.level == "member" and form.refusal is None]
    if partial:
        yield (
            f"a member sees only a part of the register of {_named(partial)}: make the account a manager of the form, "
            "so that it sees all"
        )


def _named(some: list[FormAccess]) -> str:
    named = ", ".join(f"{form.form_id} ({form.name})" for form in some[:NAMED])
    return f"{named} and {len(some) - NAMED} more" if len(some) > NAMED else named


def _many(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def duration(seconds: float) -> str:
    """A duration in hours and minutes, at least a minute."""
    minutes = max(1, round(seconds / 60))
    return f"{minutes // 60} h {minutes % 60:02} min" if minutes >= 60 else f"{minutes} min"
