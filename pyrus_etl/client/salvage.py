"""Plain JSON → structs, losing nothing that can be read.

A value that does not fit its property is taken out and counted, and the rest is read without it.
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
"""Reads the types that JSON does not have, as msgspec's `dec_hook`; msgspec adds the place to a ValueError."""

MOST_UNREADABLE = 5000
"""What has more unreadable values than this is refused as a whole."""

_PLACE = re.compile(r" - at `\$(?P<path>[^`]*)`$")
_STEP = re.compile(r"\.([^.\[]+)|\[(\d+)\]")


def salvage(tree: Any, kind: type[T], hook: Hook | None = None) -> tuple[T, int]:
    """The struct in plain JSON, and how many values were taken out of it because the struct cannot hold them.

    The tree itself is left as it is.
    Raises msgspec.ValidationError, with the first complaint, if no struct is left.
    """
    try:
        return msgspec.convert(tree, kind, dec_hook=hook), 0
    except msgspec.ValidationError as error:
        first = complaint = error
    tree = deepcopy(tree)
    for unreadable in range(1, MOST_UNREADABLE):
        if not _take_out(tree, str(complaint)):
            break
        try:
            return msgspec.convert(tree, kind, dec_hook=hook), unreadable
        except msgspec.ValidationError as error:
            complaint = error
    raise first


def _take_out(tree: Any, complaint: str) -> bool:
    """Sets the value that the complaint names to null, or what holds it where it is null already.

    False if nothing is left that could be taken out.
    """
    place = _PLACE.search(complaint)
    steps: list[Any] = [name or int(index) for name, index in _STEP.findall(place["path"])] if place else []
    while steps:
        *above, last = steps
        holder = reduce(getitem, above, tree)
        if holder[last] is not None:
            holder[last] = None
            return True
        steps = above
    return False
