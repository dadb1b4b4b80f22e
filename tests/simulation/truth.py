"""The truth about the tasks of the world, with which the stored rows are compared."""

import hashlib
from collections import defaultdict
from collections.abc import Collection, Iterable
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import msgspec

from tests.simulation.events import MOST_LATE, UNSEEN, Event
from tests.simulation.lag import LaggingWorld, modified

LOGIN = "robot@northlight.example"


class Seen(NamedTuple):
    """What a bot sees: the tasks that it can fetch."""

    login: str
    task_ids: Collection[int]


class Version(NamedTuple):
    """A body that a task had."""

    digest: str
    body: bytes


class Truth:
    """A world and its past events. Events may happen in the server's thread during a run."""

    def __init__(self, world: LaggingWorld, *, skews: bool) -> None:
        self.world = world
        self._skews = skews
        self.versions: dict[int, list[Version]] = defaultdict(list)
        self.changed_at: dict[int, int] = {}
        """When a task was last changed in a way that its date shows, in milliseconds of the world's clock."""
        self.hidden_since: dict[int, int] = {}
        """Tasks with a change that no date shows, and the number of its event: only a census finds it."""
        self.touched: set[int] = set()
        """Tasks to which something happened since `begin`."""
        self.spoiled: set[int] = set()
        self.events = 0
        self.most_skew = 0
        """The most seconds by which the server's clock was ahead of the world's."""
        self.deleted: list[int] = []
        self.revoked: list[int] = []
        self.unlisted: list[int] = []
        """Tasks that lists leave out; they can be fetched by their ids."""
        self.lagged: set[int] = set()
        """Tasks with an old answer, now or earlier: each only once, because two equal answers are believed."""
        self._overridden: set[int] = set()
        for task_id in world.task_ids():
            self._keep(task_id)
            self.changed_at[task_id] = world.register.modified[world.ordinal(task_id)]

    def begin(self) -> int:
        """Prepares for a run; returns the number of the last event before it."""
        self.touched = set()
        return self.events

    def body(self, task_id: int) -> Version:
        return self.versions[task_id][-1]

    def row_date(self, task_id: int) -> datetime | None:
        """The date that lists show."""
        date = self.world.row_of(self.world.ordinal(task_id)).get("ModifiedDate")
        return _instant(int(date[6:-2])) if date else None

    def age(self, task_id: int, digest: str) -> int | None:
        """The index of a body among all bodies of the task; None if the task never had it."""
        return max(
            (age for age, one in enumerate(self.versions.get(task_id, ())) if one.digest == digest), default=None
        )

    @property
    def unseen(self) -> set[int]:
        """Tasks with a change that a run may have missed."""
        return {*self.hidden_since, *self.unlisted}

    def left_out(self, tasks: Iterable[int]) -> None:
        """The cursor passes them, because they are in no requested period: only a census finds them."""
        for task_id in tasks:
            self.hidden_since.setdefault(task_id, self.events)

    def relist_all(self) -> None:
        """Makes the lists complete again."""
        while self.unlisted:
            self.happen(Event("relist", 0))

    def found_by_census(self, up_to: int) -> None:
        """Records that a census which began after this event is complete."""
        self.hidden_since = {task_id: event for task_id, event in self.hidden_since.items() if event > up_to}

    def seen(self) -> list[Seen]:
        return [Seen(LOGIN, set(self.world.task_ids()))]

    def happen(self, event: Event) -> str:
        """Makes an event happen, if there is a task for it; returns a line for the log."""
        with self.world.lock:
            self.events += 1
            if event.kind in ("advance", "skew"):
                return self._time(event)
            if event.kind == "create":
                return self._on("create", self.world.create(event.amount))
            fit = self._fit(event.kind)
            if not fit:
                return f"nothing to {event.kind}"
            return self._on(event.kind, [fit[event.pick % len(fit)]], event.amount)

    def _time(self, event: Event) -> str:
        if event.kind == "advance":
            self.world.advance(event.amount)
        elif self._skews:
            self.world.clock.skew = event.amount
            self.most_skew = max(self.most_skew, event.amount)
        return f"{event.kind} {event.amount} s"

    def _fit(self, kind: str) -> list[int]:
        seen = self.world.task_ids()
        match kind:
            case "restore":
                return self.deleted
            case "grant":
                return self.revoked
            case "relist":
                return self.unlisted
            case "repair":
                return sorted(self.spoiled & set(seen))
            case "spoil":
                return [task_id for task_id in seen if task_id not in self.spoiled]
            case "again":  # with a wrong server clock, its time is unknown
                now = self.world.clock.now()
                return [] if self._skews else [one for one in self._fit("edit") if self._listed_at(one) == now]
            case "late":
                before = self.world.clock.now() - MOST_LATE * 1000
                return [] if self._skews else [one for one in self._fit("edit") if self._listed_at(one) < before]
            case "lag":
                return [task_id for task_id in self._fit("edit") if self._may_lag(task_id)]
            case "delete" | "revoke" | "unlist":
                return [task_id for task_id in seen if task_id not in self.unlisted]
        return [task_id for task_id in seen if task_id not in self._overridden]

    def _on(self, kind: str, tasks: list[int], amount: int = 0) -> str:
        for task_id in tasks:
            self._one(kind, task_id, amount)
            self.touched.add(task_id)
            if kind in UNSEEN:
                self.hidden_since[task_id] = self.events
            elif kind not in ("delete", "revoke", "unlist", "lag"):
                self.hidden_since.pop(task_id, None)
                self.changed_at[task_id] = self.world.clock.now()
            if kind not in ("delete", "lag"):
                self._keep(task_id)
        return f"{kind} {', '.join(map(str, tasks))}"

    def _one(self, kind: str, task_id: int, amount: int) -> None:
        world = self.world
        match kind:
            case "edit" | "close" | "reopen" | "purge":
                getattr(world, kind)(task_id)
            case "again":
                tick, world.tick = world.tick, 0
                world.edit(task_id)
                world.tick = tick
            case "lag":
                world.lag(task_id, self.versions[task_id][-2].body)
                self.lagged.add(task_id)
            case "late":
                world.edit(task_id)
                world.backdate(task_id, _instant(world.clock.now() - amount * 1000))
            case "backdate":
                world.backdate(task_id, _instant(world.clock.now() - amount))
            case "delete":
                self.deleted.append(world.delete(task_id))
            case "restore":
                self.deleted.remove(world.restore(task_id))
            case "revoke":
                self.revoked.append(world.revoke(task_id))
            case "grant":
                self.revoked.remove(world.grant(task_id))
            case "unlist":
                self.unlisted.append(world.unlist(task_id))
            case "relist":
                self.unlisted.remove(world.relist(task_id))
            case "spoil":
                self._put(task_id, b'{"TaskWithNotes": {"Id": ' + str(task_id).encode())
                self.spoiled.add(task_id)
            case "repair":
                self._put(task_id, self._last_readable(task_id))
                self.spoiled.discard(task_id)

    def _listed_at(self, task_id: int) -> int:
        return int(self.world.register.modified[self.world.ordinal(task_id)])

    def _may_lag(self, task_id: int) -> bool:
        """Whether the task had an earlier body, and the date in the lists shows that it is old."""
        if task_id in self.lagged or len(self.versions[task_id]) < 2:
            return False
        date = modified(self.versions[task_id][-2].body)
        return date is not None and date < self._listed_at(task_id)

    def _put(self, task_id: int, body: bytes) -> None:
        self.world.put(task_id, body)
        self._overridden.add(task_id)

    def _last_readable(self, task_id: int) -> bytes:
        return next(one.body for one in reversed(self.versions[task_id]) if _readable(one.body))

    def _keep(self, task_id: int) -> None:
        body = self.world.body(task_id)
        self.versions[task_id].append(Version(hashlib.sha256(body).hexdigest(), body))


def _readable(body: bytes) -> bool:
    try:
        msgspec.json.decode(body)
    except msgspec.DecodeError:
        return False
    return True


def _instant(milliseconds: int) -> datetime:
    return datetime.fromtimestamp(0, UTC) + timedelta(milliseconds=milliseconds)
