"""The truth about a world that is served over API v4: what changed, what is deleted, and what each bot sees."""

from collections.abc import Collection

from pyrus_etl.sandbox import World
from pyrus_etl.sandbox.people import ACCOUNT, EVERYBODY
from pyrus_etl.sandbox.v4.directory import Level
from tests.simulation.events import Event

ALL_SEEING = 0
"""An account that sees every task."""
ANN, BOB = ACCOUNT.id, EVERYBODY[1].id
LOGINS = {ANN: "robot@northlight.example", BOB: "second@northlight.example"}
LEVELS: tuple[Level, ...] = ("refused", "none", "member", "manager", "manager")


class TruthV4:
    """A world and its past events. Events may happen in the server's thread during a run.

    `deleted`: the tasks that are deleted. `returned`: those that were missing for a bot at a time since `begin`.
    """

    def __init__(self, world: World, bots: int) -> None:
        self.world = world
        self.bots = (ANN, BOB)[:bots]
        self.forms: list[int] = [form["id"] for form in world.v4.directory.forms(ALL_SEEING)]
        self.events = 0
        self.deleted: list[int] = []
        self.returned: set[int] = set()
        self._stored: Collection[int] = ()
        self._unlisted: set[int] = set()
        self.share_forms()

    def begin(self, stored: Collection[int]) -> None:
        """Prepares for a run; `stored`: the tasks that are stored."""
        self.returned = set()
        self._stored = stored

    def share_forms(self) -> None:
        """Gives each bot its forms: of two, each lacks the first or the last one."""
        for bot in self.bots:
            for form_id in self.forms:
                lacks = len(self.bots) == 2 and form_id == self.forms[0 if bot == ANN else -1]
                self.world.v4.directory.grant(bot, form_id, "none" if lacks else "manager")

    def relist_all(self) -> None:
        """Makes the lists complete again."""
        for task_id in sorted(self._unlisted - {*self.deleted}):
            self.world.relist(task_id)

    def bodies(self) -> dict[int, bytes]:
        """The bodies of the tasks that a bot sees."""
        return {task_id: body for bot in self.bots for task_id, body in self.world.v4.bodies(bot)}

    def missing(self, *, over_v3: bool = False) -> set[int]:
        """The tasks that may be marked as deleted: they are deleted, or hidden from a mere member of their form.

        API v3 knows no forms: there, whatever no bot sees is gone.
        """
        directory = self.world.v4.directory
        for_members = {one for one in self.forms if any(directory.level(bot, one) == "member" for bot in self.bots)}
        unseen = set(self.world.task_ids(ALL_SEEING)) - self.bodies().keys()
        hidden = {task_id for task_id in unseen if over_v3 or self._form_of(task_id) in for_members}
        return hidden.union(self.deleted, self.returned)

    def happen(self, event: Event) -> str:
        """Makes an event happen, if there is a task for it; returns a line for the log."""
        with self.world.lock:
            self.events += 1
            match event.kind:
                case "advance":
                    self.world.advance(event.amount)
                    return f"advance {event.amount} s"
                case "live":
                    touched = self.world.live(event.amount, 1 + event.pick % 6).touched
                    return f"live {event.amount} s: {sorted(touched)}"
                case "create":
                    return f"create {self.world.create(event.amount)}"
                case "grant":
                    return self._grant(event)
            fit = self._fit(event.kind)
            return self._on(event.kind, fit[event.pick % len(fit)]) if fit else f"nothing to {event.kind}"

    def _grant(self, event: Event) -> str:
        bot, form_id = self.bots[event.pick % len(self.bots)], self.forms[event.amount % len(self.forms)]
        level = LEVELS[event.pick // 2 % len(LEVELS)]
        self.returned |= self.missing(over_v3=True) - {*self.deleted}
        self.world.v4.directory.grant(bot, form_id, level)
        return f"grant {level} of form {form_id} to {LOGINS[bot]}"

    def _fit(self, kind: str) -> list[int]:
        tasks = self.world.task_ids(ALL_SEEING)
        match kind:
            case "restore":
                return self.deleted
            case "relist":
                return sorted(self._unlisted.intersection(tasks))
            case "take_out":  # without lists, a task can be found by its form, or if it is stored
                return [task_id for task_id in tasks if self._form_of(task_id) or task_id in self._stored]
        return tasks

    def _form_of(self, task_id: int) -> int | None:
        form_id: int | None = self.world.v4.task(task_id).get("form_id")
        return form_id

    def _on(self, kind: str, task_id: int) -> str:
        getattr(self.world, kind)(task_id)
        match kind:
            case "delete":
                self.deleted.append(task_id)
            case "restore":
                self.deleted.remove(task_id)
                self.returned.add(task_id)
            case "unlist":
                self._unlisted.add(task_id)
            case "relist":
                self._unlisted.discard(task_id)
        return f"{kind} {task_id}"
