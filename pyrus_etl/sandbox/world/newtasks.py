"""Tasks that accounts create by an API."""

from __future__ import annotations

import msgspec

from pyrus_etl.sandbox.organisation.by_id import PERSONS
from pyrus_etl.sandbox.organisation.dice import mix
from pyrus_etl.sandbox.organisation.forms import KINDS, Kind
from pyrus_etl.sandbox.organisation.projects import BOARD
from pyrus_etl.sandbox.tasks.cases import Case, task_id
from pyrus_etl.sandbox.tasks.comments import Comment, Steps


class NewTask(msgspec.Struct, frozen=True, kw_only=True):
    """A task as an account describes it: its kind, which has the form, and its first comment."""

    text: str
    opening: Comment
    kind: Kind = KINDS[0]
    parent: int | None = None


def workflow(kind: Kind) -> Steps:
    """The approvers of a form, if nobody names others: the first of each step."""
    return tuple((pool[0].id,) for pool in kind.steps)


def case_of(new: NewTask, seed: int, ordinal: int, created: int) -> Case:
    """The task before its first comment; its author is responsible until somebody else is."""
    author = PERSONS[new.opening.author]
    return Case(
        ordinal=ordinal,
        id=task_id(ordinal),
        word=mix(seed, ordinal),
        kind=new.kind,
        text=new.text,
        author=author,
        first=author,
        heir=author,
        steps=(),
        due=None,
        later=None,
        asap=False,
        home=BOARD[0],
        also=BOARD[0],
        parent=new.parent,
        roles=(),
        dates=(created,),
        made=True,
    )
