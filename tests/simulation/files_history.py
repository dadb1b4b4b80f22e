"""Histories about files: downloads of contents, the census of another service, mirrors, and copies between services.

Between runs, files appear and go at both services. Runs have budgets, faulty answers, harmed contents, may crash, be
killed, or be frozen while a mirror takes over, and a run at Pyrus may have one at the other service beside it.
"""

from collections import Counter
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from random import Random
from typing import Any

from pyrus_etl.sandbox import Faults
from pyrus_etl.sandbox.limits.faults import KINDS
from pyrus_etl.settings import Secret
from tests.simulation import kept
from tests.simulation.connection import Steady
from tests.simulation.invariants import require
from tests.simulation.offices import Offices, files_of
from tests.simulation.orders import Order, Outcome

EVENTS = {
    "attach": 6,
    "comment": 6,
    "twins": 4,
    "delete_note": 2,
    "delete": 1,
    "restore": 1,
    "revoke": 1,
    "grant": 1,
    "add": 3,
    "decoy": 2,
    "remove": 2,
    "forbid": 1,
    "permit": 2,
    "tokens": 1,
    "advance": 3,
}
PLANS = {"sync": 4, "download": 6, "mirror": 7, "copy": 3}
BESIDE = {"": 5, "files": 3, "contents": 3}
"""What runs at the other service at the same time."""
NAMES = (
    "a.txt",
    "счёт № 5.pdf",
    "../../../tmp/x",
    "..",
    "con.txt",
    "line\nbreak\0.txt",
    'q"uote\\.txt',
    "x" * 300 + ".txt",
    "😀" * 90 + ".png",
    " trailing. ",
    "nothing?*<>|:.doc",
)
SIZES = (1, 300, 5000, 70_000)
LARGE = 2_300_000
SHARE_LARGE = 0.1
"""Contents of several blocks, which go on where they broke off, and their share."""
ENDINGS = {"BudgetSpent", "PyrusUnreachable", "LoginRefused", "Stopped", "TargetUnavailable", "DatabaseUnavailable"}
ENDINGS |= {"SIGTERM", "LockHeld"}
OF_COPY = {"FileRefused", "AnswerLost", "BodyCut", "TaskRefused"}
QUIET_EXITS = (0, 6)
A_MOMENT = 3

Live = Callable[[list[Order], bool], list[Outcome] | None]
"""Carries out orders at the same time, and returns their outcomes; if they may crash, perhaps None."""


class HistoryOfFiles:
    """A history that is being played. `target`: a folder that is alone in its parent folder. `live`: does the runs."""

    def __init__(self, seed: int, offices: Offices, database: Secret, target: Path, live: Live) -> None:
        self.dice = Random(seed)
        self.offices, self.world, self.database, self.target = offices, offices.world, database, target
        self.live = live
        self._connection = Steady(database, "history")
        self.settle = 5.0
        self.looks = 0
        self.lines: list[str] = [f"{offices.api}, {offices.service}"]
        self._deleted: list[int] = []
        self._revoked: list[int] = []
        self._decoys: set[str] = set()
        self._attached: dict[str, tuple[int, bytes]] = {}
        self._files: dict[str, bytes] = {}
        self._removed: Counter[bytes] = Counter()
        self._links: dict[int, int] = {}

    def play(self, length: int) -> None:
        self._run([self._order("sync")])
        self._link()
        for _ in range(length):
            for _ in range(self.dice.choice((0, 1, 2, 5))):
                self._happen(self.dice.choices(list(EVENTS), list(EVENTS.values()))[0])
            self._runs()
        self._end()

    def _link(self) -> None:
        """Says of a few tasks which one each is at the other service; two of them may be the same there."""
        tasks = self.offices.other.world.ids("tasks")
        for task_id in self.dice.sample(self.world.task_ids(), 4):
            self._links[task_id] = self.dice.choice(tasks)
            self.world.comment(task_id, files=[self._some_file()])
            row = f"({task_id}, '{self.offices.service}', {self._links[task_id]})"
            self.ask(f"INSERT INTO pyrus.external_tasks (task_id, service, external_task_id) VALUES {row}")

    def _some_file(self) -> tuple[str, bytes, None]:
        return self.dice.choice(NAMES), self.dice.randbytes(self._some_size()), None

    def _some_size(self) -> int:
        return LARGE if self.dice.random() < SHARE_LARGE else self.dice.choice(SIZES)

    def _happen(self, event: str) -> None:
        dice, world = self.dice, self.world
        task_id = dice.choice([*self._links] if event == "twins" or dice.random() < 0.5 else world.task_ids())
        self.lines.append(f"{event} {task_id}")
        if task_id in self._deleted and event not in ("restore", "grant"):
            return
        match event:
            case "attach":
                world.edit(task_id, "attach")
            case "comment":
                world.comment(task_id, "See the file.", [self._some_file()])
            case "twins":
                name, content, _ = self._some_file()
                world.comment(task_id, "", [(name, content, None), (name, dice.randbytes(len(content)), None)])
            case "delete":
                self._deleted.append(world.delete(task_id))
            case "restore" if self._deleted:
                world.restore(self._deleted.pop())
            case "revoke":
                self._revoked.append(world.revoke(task_id))
            case "grant" if self._revoked:
                world.grant(self._revoked.pop())
            case "delete_note":
                world.delete_note(task_id)
            case "tokens":
                self.offices.pyrus.revoke_tokens()
            case "advance":
                seconds = dice.choice((1, 700, 86_400))
                world.advance(seconds)
                self.offices.other.world.clock.advance(seconds)
            case "add" | "decoy" | "remove" | "forbid" | "permit":
                self._happen_there(event)
        self._learn()

    def _happen_there(self, event: str) -> None:
        """Something happens at the other service."""
        dice, world = self.dice, self.offices.other.world
        task = dice.choice(world.ids("tasks"))
        project = world.tables["tasks"][task].get("project_id", world.tables["tasks"][task].get("projectId"))
        match event:
            case "add":
                self._add(task, "theirs.txt", (dice.getrandbits(32), self._some_size()))
            case "decoy" if not self.ask(kept.IN_DOUBT):
                self._decoys.add(self._decoy())
            case "remove":
                file_id = dice.choice(list(self.offices.files()))
                content = self.offices.files()[file_id]
                remove = getattr(world, "remove_file", None) or world.remove
                there = next(each for each in world.ids("files") if str(each) == file_id)
                self._removed[content] += there in self.offices.uploaded() and file_id not in self._decoys
                remove(there)
            case "forbid":
                world.forbid(project)
            case "permit":
                world.forbidden.clear()

    def _decoy(self) -> str:
        """Somebody else's file at a linked task, which looks like one that is to be copied."""
        links = [task_id for task_id in self._links if task_id not in self._deleted]
        task_id = self.dice.choice(links or list(self._links))
        alike = [file for file in self._attachments(task_id) if file[2]]
        if not alike:
            return ""
        _, name, size = self.dice.choice(alike)
        return self._add(self._links[task_id], name, self.dice.randbytes(size))

    def _add(self, task: int, name: str, content: Any) -> str:
        world = self.offices.other.world
        if self.offices.service == "paymo":
            return str(world.add_file(name, content, "", task_id=task))
        root = world.tables["projects"][world.tables["tasks"][task]["projectId"]]["projectFolder"]
        file_id = world.add_file(root, name, content, new_if_exists=True)
        world.attach("tasks", task, [file_id])
        return str(file_id)

    def _attachments(self, task_id: int) -> list[tuple[int, str, int]]:
        """Id, name and size of the stored attachments of a task."""
        return self.ask(f"SELECT attachment_id, name, size_bytes FROM pyrus.attachments WHERE task_id = {task_id}")

    def _learn(self) -> None:
        """Remembers what files there are, because tasks and services forget."""
        for file_id, task_id in self.ask("SELECT attachment_id, task_id FROM pyrus.attachments"):
            if str(file_id) not in self._attached:
                self._attached[str(file_id)] = (task_id, self.world.contents(file_id))
        self._files |= self.offices.files()

    def _runs(self) -> None:
        """A run at Pyrus, perhaps with one at the other service beside it, that may crash."""
        dice = self.dice
        for server in self.offices.servers:
            error, short, reset = dice.choice((0, 0, 0.1)), dice.choice((0, 0.05, 0.3)), dice.choice((0, 0.05))
            server.faults = Faults(seed=dice.randrange(99), error=error, short=short, reset=reset, html=reset)
        for desk in self.offices.desks:
            desk.share = dice.choice((0, 0, 0.1, 0.4))
        plan, beside = (dice.choices(list(each), list(each.values()))[0] for each in (PLANS, BESIDE))
        orders = [self._order(each) for each in (plan, beside) if each]
        self._run(orders, may_crash=True)

    def _order(self, plan: str, *, is_quiet: bool = False) -> Order:
        dice, budget, most = self.dice, None, None
        if not is_quiet:
            budget = dice.randint(3, 60) if dice.random() < 0.2 else None
            most = dice.choice((400, 3000)) if dice.random() < 0.1 else None
        return Order(
            plan,
            self.offices.environment(self.database),
            budget,
            linger=dice.choice((0.3, 0.01)),
            largest_batch=dice.choice((1000, 3, 1)),
            service=self.offices.service,
            target=self.target.as_uri(),
            most_bytes=most,
            copies=self._copy() if plan == "copy" else ("", ""),
            settle=self.settle,
        )

    def _copy(self) -> tuple[str, str]:
        """From the other service to a task of Pyrus or of the third service, or from that to the other.

        Nothing goes back to where it came from: it would look like a mirror's second copy.
        """
        offices, dice = self.offices, self.dice
        service, third = offices.service, offices.third_service
        source, target = dice.choice(((service, "pyrus"), (service, third), (third, service)))
        tasks = {
            "pyrus": [task_id for task_id in self.world.task_ids() if task_id not in self._links],
            service: offices.other.world.ids("tasks"),
            third: offices.third.world.ids("tasks"),
        }
        own = {each: found for each, found in files_of(offices.third).items() if found in offices.of_third}
        file_id = dice.choice(list(own if source == third else offices.files()))
        return f"{source}:{file_id}", f"{target}:task/{dice.choice(tasks[target])}"

    def _run(self, orders: list[Order], *, may_crash: bool = False) -> list[Outcome]:
        self.lines.append(f"{', '.join(map(_shown, orders))}; {self._weather()}")
        self.world.advance(A_MOMENT)
        for server in self.offices.servers[1:]:
            server.world.clock.advance(A_MOMENT)
        before = [self._copies_of(order) for order in orders]
        outcomes = self.live(orders, may_crash)
        self.lines.append(
            f"  {[(each.error, each.message, each.status) for each in outcomes]}" if outcomes else "  crashed"
        )
        self._learn()
        for place, order in enumerate(orders):
            outcome = outcomes[place] if outcomes else None
            self._check_ending(order, outcome)
            if order.plan == "copy":
                self._check_copy(outcome, self._copies_of(order) - before[place])
        self.check()
        return outcomes or []

    def _weather(self) -> str:
        """The faults of the servers and the shares of harmed contents."""
        rates = [server.faults.rates() for server in self.offices.servers]
        shown = [f"{kind} {rate}" for each in rates for kind, rate in zip(KINDS, each, strict=True) if rate]
        return ", ".join([*shown, *(f"harmed {desk.share}" for desk in self.offices.desks if desk.share)])

    def rival(self) -> Order:
        """The order for a mirror that is made while a run is frozen."""
        self.world.advance(A_MOMENT)
        return self._order("mirror")

    def check_rival(self, order: Order, outcome: Outcome | None) -> None:
        self.lines.append(f"  a mirror beside the frozen run: {outcome}")
        self._check_ending(order, outcome)

    def _check_ending(self, order: Order, outcome: Outcome | None) -> None:
        if outcome:
            allowed = ENDINGS | (OF_COPY if order.plan == "copy" else set())
            require(not outcome.amiss, f"{order.plan} ended with something that must never happen:\n{outcome.amiss}")
            require(outcome.error in allowed | {""}, f"{order.plan} ended with {outcome}")

    def _copies_of(self, order: Order) -> int:
        """How often the file of a `copy` is in its task, or at the service to which it is copied."""
        if order.plan != "copy":
            return 0
        (source, _, file_id), target = order.copies[0].partition(":"), order.copies[1].partition(":")[0]
        there = {self.offices.service: self.offices.other, self.offices.third_service: self.offices.third}
        content = files_of(there[source]).get(file_id)
        if target != "pyrus":
            return sum(each == content for each in files_of(there[target]).values())
        task = self.world.v4.task(int(order.copies[1].partition("/")[2]))
        ids = [file["id"] for comment in task["comments"] for file in comment.get("attachments", ())]
        return sum(self.world.contents(file_id) == content for file_id in ids)

    def _check_copy(self, outcome: Outcome | None, added: int) -> None:
        if outcome and outcome.status == "ok":
            require(added == 1, f"a file was copied {added} times")
        else:
            require(added in (0, 1), f"a file was copied {added} times by a run that failed")

    def look(self) -> None:
        """What holds of the disk at any time, also in the middle of a run."""
        self.looks += 1
        kept.check_folder(self.target, self._truth)
        kept.check_folder(self.target / self.offices.service, self._files)
        require([*self.target.parent.iterdir()] in ([], [self.target]), "something is outside of the target")

    def look_at_rows(self) -> None:
        """What holds of the tables at any time, also in the middle of a run."""
        self.looks += 1
        kept.check_stored(self.ask, kept.STORED["pyrus"], self._truth, self.target)
        kept.check_stored(self.ask, kept.STORED["service"], self._files, self.target / self.offices.service)

    @property
    def _truth(self) -> dict[str, bytes]:
        """Id → contents of every attachment that there has been."""
        return {file_id: content for file_id, (_, content) in self._attached.items()}

    def check(self) -> None:
        """What holds after every run, however it ended."""
        self.look()
        self.look_at_rows()
        astray = [each for desk in self.offices.desks for each in desk.astray]
        require(not astray, f"secrets went astray: {astray}")
        linked = Counter(content for task_id, content in self._attached.values() if task_id in self._links)
        foreign = self._decoys | {
            str(each) for each, found in self.offices.uploaded().items() if found in self.offices.of_third
        }
        there = {str(each): found for each, found in self.offices.uploaded().items() if str(each) not in foreign}
        kept.check_copies(there, linked, self.ask(kept.COPIES), self._truth)

    def _end(self) -> None:
        """Without faults everything that can be had is stored and copied, and nothing is left to do."""
        self._calm()
        for plan in ("sync", "force", "sync"):
            self._run_quietly(plan)
        for plans in (("mirror",), ("files",), ("download", "contents")):
            self._run_quietly(*plans)
        for folder in (self.target, self.target / self.offices.service):
            kept.check_clean(folder)
        self._check_all_is_stored()
        self._check_all_is_copied()
        there = self.offices.desks[1]
        there.clear()
        self._run_quietly("mirror", "contents")
        require(
            (there.uploads, there.downloads) == (0, 0), f"again: {there.uploads} uploads, {there.downloads} downloads"
        )

    def _run_quietly(self, *plans: str) -> None:
        for ended in self._run([self._order(plan, is_quiet=True) for plan in plans]):
            require(ended.exit_code in QUIET_EXITS, f"one of the quiet {plans} ended with {ended}")

    def _calm(self) -> None:
        for server in self.offices.servers:
            server.faults = Faults()
        for desk in self.offices.desks:
            desk.share = 0
        self.offices.other.world.forbidden.clear()
        self.lines.append("quiet")

    def _check_all_is_stored(self) -> None:
        stored = dict(
            self.ask("SELECT attachment_id, bool_or(status = 'stored') FROM pyrus.attachment_contents GROUP BY 1")
        )
        for file_id, task_id in self.ask("SELECT attachment_id, task_id FROM pyrus.attachments"):
            is_there = task_id in self.world.task_ids()
            require(stored.get(file_id, False) or not is_there, f"file {file_id} of task {task_id} is not stored")
        query = "SELECT file_id FROM pyrus.service_file_contents WHERE status = 'stored'"
        missing = self.offices.files().keys() - {file_id for (file_id,) in self.ask(query)}
        require(not missing, f"files of {self.offices.service} are not stored: {missing}")

    def _check_all_is_copied(self) -> None:
        there = Counter(self.offices.uploaded().values())
        copies = {
            attachment: file_id for attachment, _, file_id, status, _ in self.ask(kept.COPIES) if status == "copied"
        }
        for file_id, task_id in self.ask("SELECT attachment_id, task_id FROM pyrus.attachments"):
            if task_id not in self._links or task_id not in self.world.task_ids():
                continue
            content = self.world.contents(file_id)
            require(file_id in copies, f"file {file_id} of task {task_id} is not copied")
            if not self._removed[content]:
                require(there[content] > 0, f"the copy of file {file_id} is not at the service")
                require(
                    self._links[task_id] in self.offices.place_of(copies[file_id]),
                    f"the copy of {file_id} is elsewhere",
                )

    def close(self) -> None:
        self._connection.close()

    def ask(self, sql: str) -> list[tuple[Any, ...]]:
        return self._connection.execute(sql)


def _shown(order: Order) -> str:
    limits = [f"{order.requests} requests"] if order.requests else []
    limits += [f"{order.most_bytes} bytes"] if order.most_bytes else []
    return " ".join([order.plan, *(order.copies if order.plan == "copy" else ()), *limits])


def played(history: HistoryOfFiles, seed: int, length: int) -> None:
    """Plays a history to its end; raises AssertionError with what happened."""
    try:
        with closing(history):
            history.play(length)
    except AssertionError as error:
        raise AssertionError(f"seed {seed}: {error}\n" + "\n".join(history.lines)) from error
