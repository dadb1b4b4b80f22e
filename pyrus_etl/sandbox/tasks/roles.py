"""The effects of notes: one function for each kind of note, called its role."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pyrus_etl.sandbox.organisation import phrases
from pyrus_etl.sandbox.organisation.clock import DAY, midnight, wire
from pyrus_etl.sandbox.organisation.dice import Dice
from pyrus_etl.sandbox.organisation.people import FINANCE
from pyrus_etl.sandbox.organisation.projects import BOARD
from pyrus_etl.sandbox.tasks.drafts import Draft
from pyrus_etl.sandbox.tasks.files import attachment
from pyrus_etl.sandbox.tasks.values import form_value

Json = dict[str, Any]
Role = Callable[[Draft, Json, Dice], None]

FIXED = {"Title", "Note", "Unknown", "Author", "CreationDate", "ActivityStatus", "ApprovalStep", "Assignee"}
FIXED |= {"ApprovalPerson", "ApprovalDate", "DueDate"}


def opening(draft: Draft, note: Json, dice: Dice) -> None:
    case = draft.case
    note["Text"] = f"{case.text}. {dice.pick(phrases.BACKGROUNDS)}"
    note["ReassignedTo"] = case.first.full
    note["AddedProjects"] = [project.json for project in draft.projects]
    if case.due is not None:
        note["DueDateChanged"] = wire(case.due)
    if case.steps:
        note["ApprovalsAdded"] = [[one.brief for one in step or ()] for step in case.steps]


def comment(draft: Draft, note: Json, dice: Dice) -> None:
    note["Text"] = dice.pick(phrases.REMARKS)


def attach(draft: Draft, note: Json, dice: Dice) -> None:
    root = draft.file()
    note["Text"] = "See the attachment."
    note["Attachments"] = [attachment(draft.origin, root, dice.pick(phrases.DOCUMENTS))]
    if dice.chance(25):
        note["Attachments"].append(attachment(draft.origin, draft.file(), dice.pick(phrases.DOCUMENTS), root))


def change(draft: Draft, note: Json, dice: Dice) -> None:
    fields = [field for field in draft.case.kind.fields if field.type not in FIXED and field.parent is None]
    if not fields:
        comment(draft, note, dice)
        return
    field = dice.pick(fields)
    note["Form"] = [form_value(draft, field, dice)]
    draft.changes[field.id] = note["Form"][0]


def reassign(draft: Draft, note: Json, dice: Dice) -> None:
    case = draft.case
    draft.responsible = case.heir.full if draft.responsible is case.first.full else dice.pick(case.kind.agents).full
    note["ReassignedTo"] = draft.responsible


def postpone(draft: Draft, note: Json, dice: Dice) -> None:
    latest = midnight(draft.modified) + DAY * (2 + dice.roll(20))
    draft.due = draft.case.later if draft.due == draft.case.due else latest
    if draft.due is not None:
        note["DueDateChanged"] = wire(draft.due)
    note["Text"] = "A few days more, please."


def clear(draft: Draft, note: Json, dice: Dice) -> None:
    if draft.due is None:
        comment(draft, note, dice)
        return
    draft.due = None
    note["DueDateRemoved"] = True


def refile(draft: Draft, note: Json, dice: Dice) -> None:
    found = draft.case.also if draft.case.also not in draft.projects else dice.pick(BOARD)
    if found in draft.projects:
        comment(draft, note, dice)
        return
    draft.projects.append(found)
    note["AddedProjects"] = [found.json]


def unfile(draft: Draft, note: Json, dice: Dice) -> None:
    if len(draft.projects) < 2:
        comment(draft, note, dice)
        return
    note["RemovedProjects"] = [draft.projects.pop().json]


def decide(draft: Draft, note: Json, choice: str, text: str) -> None:
    """The next approver decides; if nobody is asked, the note is a plain comment."""
    vote = draft.waiting()
    note["Text"] = text
    if vote:
        vote["Choice"] = note["ApprovalChoice"] = choice
        note["Author"] = vote["Person"]
        draft.decided = (vote["Person"], note["CreateDate"])


def approve(draft: Draft, note: Json, dice: Dice) -> None:
    decide(draft, note, "Approved", dice.pick(phrases.APPROVALS))


def reject(draft: Draft, note: Json, dice: Dice) -> None:
    decide(draft, note, "Rejected", dice.pick(phrases.REJECTIONS))


def revoke(draft: Draft, note: Json, dice: Dice) -> None:
    vote = draft.approved()
    note["Text"] = "I take my approval back."
    if vote:
        vote["Choice"] = note["ApprovalChoice"] = "Revoked"
        note["Author"] = vote["Person"]


def rerequest(draft: Draft, note: Json, dice: Dice) -> None:
    vote = draft.approved()
    note["Text"] = "Please look at it once more."
    if vote:
        del vote["Choice"]
        note["ApprovalsRerequested"] = [[vote["Person"]]]


def add(draft: Draft, note: Json, dice: Dice) -> None:
    asked = dice.pick(FINANCE)
    draft.steps.append([{"Person": asked.full}])
    note["ApprovalsAdded"] = [[asked.brief]]


def remove(draft: Draft, note: Json, dice: Dice) -> None:
    if not draft.steps or not draft.steps[-1]:
        comment(draft, note, dice)
        return
    last = draft.steps.pop() or []
    note["ApprovalsRemoved"] = [[vote["Person"] for vote in last]]


def complete(draft: Draft, note: Json, dice: Dice) -> None:
    ordinary = dice.chance(92)
    note["ActivityAction"] = "Complete" if ordinary else dice.pick(("MarkAsDuplicate", "MarkAsIrrelevant"))
    if dice.chance(60):
        note["Text"] = dice.pick(phrases.ENDINGS)
    draft.closed = draft.modified


def reopen(draft: Draft, note: Json, dice: Dice) -> None:
    note["ActivityAction"] = "Reopen"
    note["Text"] = "Not quite finished yet."
    draft.closed = None


def withdraw(draft: Draft, note: Json, dice: Dice) -> None:
    """Takes the task out of all its lists; it stays in its form."""
    form = draft.case.kind.project
    note["RemovedProjects"] = [project.json for project in draft.projects if project is not form]
    draft.projects[:] = [project for project in draft.projects if project is form]


def amend(draft: Draft, dice: Dice) -> None:
    """Somebody edits the text of a note."""
    dice.pick(draft.notes)["Text"] = f"{dice.pick(phrases.REMARKS)} (edited)"


def retract(draft: Draft, dice: Dice) -> None:
    """Somebody deletes a note; never the first one."""
    if len(draft.notes) > 1:
        place = 1 + dice.roll(len(draft.notes) - 1)
        del draft.notes[place], draft.places[place]


ROLES: dict[str, Role] = {
    "open": opening,
    "comment": comment,
    "attach": attach,
    "change": change,
    "reassign": reassign,
    "postpone": postpone,
    "clear": clear,
    "refile": refile,
    "unfile": unfile,
    "withdraw": withdraw,
    "approve": approve,
    "reject": reject,
    "revoke": revoke,
    "rerequest": rerequest,
    "add": add,
    "remove": remove,
    "complete": complete,
    "reopen": reopen,
}
SILENT: dict[str, Callable[[Draft, Dice], None]] = {"amend": amend, "retract": retract}


def play(draft: Draft, role: str, date: int, dice: Dice) -> None:
    """Applies one more event to the task. All roles add a note, except `backdate`, `purge`, `amend` and `retract`."""
    if role == "backdate":
        draft.modified = date
    elif role in SILENT:
        SILENT[role](draft, dice)
        draft.modified = date
    elif role == "purge":
        draft.purge(date)
    else:
        case = draft.case
        own = role == "complete" or (role != "open" and dice.chance(60))
        note = draft.note(date, draft.responsible if own else case.author.full)
        ROLES[role](draft, note, dice)
