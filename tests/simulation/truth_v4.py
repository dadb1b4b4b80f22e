"""The truth about a world that is served over API v4: what changed, what is deleted, and what each bot sees."""

from collections.abc import Collection
from typing import NamedTuple

from pyrus_etl.sandbox import World
from pyrus_etl.sandbox.organisation.people import ACCOUNT, EVERYBODY
from pyrus_etl.sandbox.v4.directory import Level
from tests.simulation.events import Event
from tests.simulation.truth import LOGIN, Seen

ALL_SEEING = 0
"""An account that sees every task."""
ANN, BOB = ACCOUNT.id, EVERYBODY[1].id
LOGINS = {ANN: LOGIN, BOB: "second@northlight.example"}
LEVELS: tuple[Level, ...] = ("refused", "none", "member", "manager", "manager")


class Known(NamedTuple):
    """What is stored before a run: tasks, which bot has seen a task or a form over API v4; and which bots run."""

    stored: Collection[int] = ()
    seen: Collection[tuple[int, int]] = ()
    forms: Collection[tuple[int, int]] = ()
    running: Collection[int] = ()


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
        self._known = Known()
        self._unlisted: set[int] = set()
        self.share_forms()

    def begin(self, known: Known) -> None:
        """Prepares for a run."""
        self.returned = set()
        self._known = known

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

    def seen(self) -> list[Seen]:
        return [Seen(LOGINS[bot], set(self.world.task_ids(bot))) for bot in self.bots]

    def missing(self, *, over_v3: bool = False) -> set[int]:
        """The tasks that may be marked as deleted: they are deleted, or gone for each bot that counts.

        A bot counts if it runs, or if it has seen the task: what a bot would see that has never run, nobody knows.
        """
        seen = {bot: {task_id for task_id, _ in self.world.v4.bodies(bot)} for bot in self.bots}
        hidden = set()
        for task_id in self.world.task_ids(ALL_SEEING):
            form_id = self._form_of(task_id)
            counted = [bot for bot in self.bots if bot in self._known.running or (bot, task_id) in self._known.seen]
            if all(task_id not in seen[bot] and (over_v3 or self._shows(bot, form_id)) for bot in counted):
                hidden.add(task_id)
        return hidden.union(self.deleted, self.returned)

    def _shows(self, bot: int, form_id: int | None) -> bool:
        """Whether a census of the bot shows that it lost a task of a form, and not the form.

        API v3 knows no forms. So a form that a bot lost before its first run over v4 never left its list of forms: its
        tasks are judged as over v3.
        """
        is_member = form_id is not None and self.world.v4.directory.level(bot, form_id) == "member"
        return is_member or (form_id is not None and (bot, form_id) not in self._known.forms)

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
                return [task_id for task_id in tasks if self._form_of(task_id) or task_id in self._known.stored]
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
