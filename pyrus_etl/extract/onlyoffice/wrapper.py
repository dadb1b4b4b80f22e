"""The wrapper of every answer: `count, startIndex, nextIndex?, total?, status, statusCode, response | error`.

Names come in camelCase, and in PascalCase as the vendor's page prints them; here they are in lower case.
"""

from typing import Any, NamedTuple

import msgspec

from pyrus_etl.client.decode import storable
from pyrus_etl.extract.files.lenient import filled, nested, text, whole


class Wrapped(NamedTuple):
    """The content of an answer, in lower-case names; `error`: the message of an answer that is an error, and its type.

    `next_index`, `total`: of a list that is cut; see `next_start`.
    """

    response: Any = None
    error: str = ""
    error_type: str = ""
    status_code: int | None = None
    next_index: int | None = None
    total: int | None = None


def read(body: bytes) -> Wrapped:
    """Reads an answer, also a list without a wrapper, or an empty body. Raises msgspec.DecodeError."""
    served = lowered(msgspec.json.decode(storable(body) or b"null"))
    if not isinstance(served, dict) or not {"response", "error", "statuscode"} & served.keys():
        return Wrapped(served)
    return Wrapped(
        served.get("response"),
        _message(served.get("error")),
        filled(nested(served, "error", "type")) or "",
        whole(served.get("statuscode")),
        whole(served.get("nextindex")),
        whole(served.get("total")),
    )


def lowered(value: Any) -> Any:
    """The same with the names of all objects in lower case."""
    if isinstance(value, dict):
        return {key.lower(): lowered(each) for key, each in value.items()}
    return [lowered(each) for each in value] if isinstance(value, list) else value


def next_start(wrapped: Wrapped, start: int, taken: int) -> int | None:
    """Where the rest of a list begins; None if there is none.

    Every list is cut, whatever is asked for: `nextIndex` is there if there is more, and filters have a `total`.
    """
    after = start + taken
    if wrapped.next_index is not None:
        return wrapped.next_index if wrapped.next_index > start else None
    return after if taken and wrapped.total is not None and wrapped.total > after else None


def _message(error: Any) -> str:
    if not error:
        return ""
    return text(error.get("message") if isinstance(error, dict) else error) or "no reason given"
