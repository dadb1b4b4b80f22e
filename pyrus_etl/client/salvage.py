"""Plain JSON → structs, without losing anything readable.

A value that does not fit its property is dropped and counted, and the rest is read.
"""

import re
from collections.abc import Callable
from copy import deepcopy
from functools import reduce
from operator import getitem
from typing import Any, TypeVar

import msgspec

T = TypeVar("T")

Hook = Callable[[type, Any], Any]
"""Reads types that JSON does not have, as msgspec's `dec_hook`; msgspec adds the path to a ValueError."""

MOST_UNREADABLE = 5000
"""A tree with more unreadable values is refused as a whole."""

_PATH = re.compile(r" - at `\$(?P<path>[^`]*)`$")
_STEP = re.compile(r"\.([^.\[]+)|\[(\d+)\]")


def salvage(tree: Any, kind: type[T], hook: Hook | None = None) -> tuple[T, int]:
    """Reads a struct from plain JSON; also returns how many values were dropped because they do not fit.

    The tree itself is not changed.
    Raises msgspec.ValidationError, with the first error, if it cannot be read even without them.
    """
    try:
        return msgspec.convert(tree, kind, dec_hook=hook), 0
    except msgspec.ValidationError as error:
        first = problem = error
    tree = deepcopy(tree)
    for unreadable in range(1, MOST_UNREADABLE):
        if not _drop(tree, str(problem)):
            break
        try:
            return msgspec.convert(tree, kind, dec_hook=hook), unreadable
        except msgspec.ValidationError as error:
            problem = error
    raise first


def _drop(tree: Any, problem: str) -> bool:
    """Sets the value that the error names to null, or its parent if it is null already.

    msgspec does not name the keys of a mapping (`[...]`), so a mapping is dropped whole. Returns False if nothing is
    left to drop.
    """
    path = _PATH.search(problem)
    known = path["path"].partition("[...]")[0] if path else ""
    steps: list[Any] = [name or int(index) for name, index in _STEP.findall(known)]
    while steps:
        *above, last = steps
        parent = reduce(getitem, above, tree)
        if parent[last] is not None:
            parent[last] = None
            return True
        steps = above
    return False
