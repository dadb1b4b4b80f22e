"""The sandbox's own endpoints, for other processes: `GET /sandbox/state`, `POST /sandbox/<command>`.

Arguments are one JSON object. The answer is `{"result": …}`, usually the ids of the changed tasks.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from pyrus_etl.sandbox.answers import Answer, Refused, answer
from pyrus_etl.sandbox.limits.faults import KINDS, Faults
from pyrus_etl.sandbox.limits.options import Options
from pyrus_etl.sandbox.organisation.clock import moment

if TYPE_CHECKING:
    from pyrus_etl.sandbox.server.backend import Backend, Served

S = TypeVar("S")

Json = dict[str, Any]
Command = Callable[["Backend", Json], Any]

CHANGEABLE = (
    *("cap", "order", "period", "quota", "hybrid"),
    *("register_cap", "register_lag", "index_seconds", "list_cap", "sublists"),
    *("webhook", "webhook_twice", "webhook_again"),
)
"""The options that a command may change."""
ON_TASK = ("close", "reopen", "purge", "delete", "restore", "revoke", "grant", "unlist", "relist")
ON_NOTES_AND_LISTS = ("edit_note", "delete_note", "take_out")


def state(backend: Backend, arguments: Json) -> Json:
    world, options = backend.world, backend.options
    return {
        "seed": world.seed,
        "tasks": len(world),
        "now": moment(world.clock.now()).isoformat(),
        "cap": options.cap,
        "period": options.period,
        "options": {name: getattr(options, name) for name in CHANGEABLE},
        "requests": backend.journal.total,
        "webhooks": {str(status): count for status, count in backend.webhooks.statuses.items()},
        "overruns": backend.quota.overruns if backend.quota else 0,
        "down": backend.injector.down,
        "faults": backend.injector.faults,
    }


def faults(backend: Served, arguments: Json) -> None:
    backend.injector.change(msgspec.convert(arguments, Faults))


def fail(backend: Served, arguments: Json) -> None:
    kind = arguments["kind"]
    if kind not in KINDS:
        raise ValueError(kind)
    backend.injector.fail_next(int(arguments.get("count", 1)), kind, arguments.get("endpoint"))


def down(backend: Served, arguments: Json) -> None:
    backend.injector.down = bool(arguments.get("down", True))


def options(backend: Backend, arguments: Json) -> None:
    """Changes some of the options from the next request on."""
    if unknown := arguments.keys() - set(CHANGEABLE):
        raise ValueError(f"unknown: {', '.join(sorted(unknown))}")
    backend.configure(msgspec.convert(msgspec.structs.asdict(backend.options) | arguments, Options))


def live(backend: Backend, arguments: Json) -> Any:
    return backend.world.live(float(arguments.get("seconds", 3600)), arguments.get("changes"))


def backdate(backend: Backend, arguments: Json) -> int:
    return backend.world.backdate(arguments["task_id"], datetime.fromisoformat(arguments["date"]))


def put(backend: Backend, arguments: Json) -> int:
    """`body` is an object, or a string served as it is."""
    body = arguments["body"].encode() if isinstance(arguments["body"], str) else arguments["body"]
    modified = arguments.get("modified", "now")
    dated = datetime.fromisoformat(modified) if modified not in (None, "now") else modified
    api, row = arguments.get("api", "v3"), arguments.get("row")
    return backend.world.put(arguments["task_id"], body, modified=dated, api=api, row=row)


def of_directory(name: str) -> Command:
    """The method of the directory with this name; the arguments are its parameters."""
    return lambda backend, arguments: getattr(backend.world.v4.directory, name)(**arguments)


OF_ANY_SERVER: dict[str, Callable[[Served, Json], Any]] = {
    "faults": faults,
    "fail": fail,
    "down": down,
    "clear": lambda served, arguments: served.journal.clear(),
}
READS: dict[str, Command] = {
    "state": state,
    "requests": lambda backend, arguments: backend.journal.summary(),
    "task_ids": lambda backend, arguments: backend.world.task_ids(),
    "inbox": lambda backend, arguments: backend.world.inbox(),
}
CHANGES: dict[str, Command] = {
    "advance": lambda backend, arguments: backend.world.advance(float(arguments["seconds"])),
    "options": options,
    "live": live,
    "create": lambda backend, arguments: backend.world.create(int(arguments.get("count", 1))),
    "edit": lambda backend, arguments: backend.world.edit(arguments["task_id"], arguments.get("role")),
    "backdate": backdate,
    "put": put,
    "grant-form": of_directory("grant"),
    "close-form": of_directory("close_form"),
    "rename-form": of_directory("rename_form"),
    "add-field": of_directory("add_field"),
    "remove-field": of_directory("remove_field"),
    "change-item": of_directory("change_item"),
    "drop-item": of_directory("drop_item"),
    "revoke-token": lambda backend, arguments: backend.tokens.revoke_all(),
    **OF_ANY_SERVER,
}


def obey(backend: Backend, method: str, command: str, body: bytes) -> Answer:
    """Runs `command`. An unknown one is 404, wrong arguments are 400."""
    if command in (*ON_TASK, *ON_NOTES_AND_LISTS) and method == "POST":
        return run(lambda _, given: getattr(backend.world, command)(given["task_id"]), backend, command, body)
    return run((READS if method == "GET" else CHANGES).get(command), backend, command, body)


def run(found: Callable[[S, Json], Any] | None, served: S, command: str, body: bytes) -> Answer:
    """Runs the command that was found by this name."""
    if found is None:
        return Refused("MethodNotFound").answer()
    try:
        return answer({"result": found(served, msgspec.json.decode(body or b"{}"))})
    except (msgspec.DecodeError, msgspec.ValidationError, KeyError, TypeError, ValueError) as wrong:
        return Answer(msgspec.json.encode({"error": f"{command}: {wrong!r}"}), 400)
