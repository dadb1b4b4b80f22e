"""Arrays in plain JSON → structs."""

from collections.abc import Sequence
from typing import Any, TypeVar

import msgspec

from pyrus_etl.client.salvage import salvage
from pyrus_etl.extract.v4.wire.whole import only_whole

S = TypeVar("S")


def structs(served: Any, kind: type[S]) -> tuple[Sequence[S | None], int]:
    """Reads an array of structs, each of which may be null; also returns the number of unreadable values (`salvage`).

    One by one, because for a type like list[…] msgspec looks up how to convert it in each call, which takes ten times
    as long as the conversion. Raises msgspec.ValidationError if it is not an array.
    """
    if isinstance(served, list):
        try:
            return [None if each is None else msgspec.convert(each, kind, dec_hook=only_whole) for each in served], 0
        except msgspec.ValidationError:
            pass  # salvaged below
    return salvage(served, list[kind | None], only_whole)  # type: ignore[valid-type] # mypy takes it for a static type
