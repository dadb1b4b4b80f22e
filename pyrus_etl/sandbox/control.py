"""The sandbox's own endpoints, for other processes: `GET /sandbox/state`, `POST /sandbox/<what happens>`.

Arguments are one JSON object; the answer is `{"result": …}`, usually the ids of the tasks touched.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import msgspec

from .answers import Answer, Refused, answer
from .backend import Backend
from .clock import moment
from .faults import KINDS, Faults

Json = dict[str, Any]
Command = Callable[[Backend, Json], Any]

ON_TASK = ("close", "reopen", "purge", "delete", "restore", "revoke", "grant", "unlist", "relist")


def state(backend: Backend, given: Json) -> Json:
    world, options = backend.world, backend.options
    return {
        "seed": world.seed,
        "tasks": len(world),
        "now": moment(world.clock.now()).isoformat(),
        "cap": options.cap,
        "period": options.period,
        "requests": backend.journal.total,
        "overruns": backend.quota.overruns if backend.quota else 0,
        "down": backend.weather.down,
        "faults": backend.weather.faults,
    }


def faults(backend: Backend, given: Json) -> None:
    backend.weather.change(msgspec.convert(given, Faults))


def fail(backend: Backend, given: Json) -> None:
    kind = given["kind"]
    if kind not in KINDS:
        raise ValueError(kind)
    backend.weather.fail_next(int(given.get("count", 1)), kind, given.get("endpoint"))


def down(backend: Backend, given: Json) -> None:
    backend.weather.down = bool(given.get("down", True))


def live(backend: Backend, given: Json) -> Any:
    return backend.world.live(float(given.get("seconds", 3600)), given.get("changes"))


def backdate(backend: Backend, given: Json) -> int:
    return backend.world.backdate(given["task_id"], datetime.fromisoformat(given["date"]))


def put(backend: Backend, given: Json) -> int:
    """`body` is an object, or a string served as it is."""
    body = given["body"].encode() if isinstance(given["body"], str) else given["body"]
    modified = given.get("modified", "now")
    dated = datetime.fromisoformat(modified) if modified not in (None, "now") else modified
    return backend.world.put(given["task_id"], body, modified=dated)


READS: dict[str, Command] = {
    "state": state,
    "requests": lambda backend, given: backend.journal.summary(),
    "task_ids": lambda backend, given: backend.world.task_ids(),
    "inbox": lambda backend, given: backend.world.inbox(),
}
CHANGES: dict[str, Command] = {
    "advance": lambda backend, given: backend.world.advance(float(given["seconds"])),
    "live": live,
    "create": lambda backend, given: backend.world.create(int(given.get("count", 1))),
    "edit": lambda backend, given: backend.world.edit(given["task_id"], given.get("role")),
    "backdate": backdate,
    "put": put,
    "faults": faults,
    "fail": fail,
    "down": down,
    "revoke-token": lambda backend, given: backend.tokens.revoke_all(),
    "clear": lambda backend, given: backend.journal.clear(),
}


def obey(backend: Backend, method: str, command: str, body: bytes) -> Answer:
    """Does what `command` says."""
    try:
        given = msgspec.json.decode(body or b"{}")
        if command in ON_TASK and method == "POST":
            return answer({"result": getattr(backend.world, command)(given["task_id"])})
        found = (READS if method == "GET" else CHANGES).get(command)
        if found is None:
            return Refused("MethodNotFound").answer()
        return answer({"result": found(backend, given)})
    except (msgspec.DecodeError, msgspec.ValidationError, KeyError, TypeError, ValueError) as wrong:
        return Answer(msgspec.json.encode({"error": f"{command}: {wrong!r}"}), 400)
