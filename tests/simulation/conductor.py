"""Makes one run, with its faults."""

import signal
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import msgspec

from tests.conftest import environment_of
from tests.servers import stopped
from tests.simulation.events import Event
from tests.simulation.faults import Fault
from tests.simulation.history import RunStep
from tests.simulation.invariants import check_whole, require
from tests.simulation.orders import Order, Outcome
from tests.simulation.passing import really_waiting
from tests.simulation.stage import Stage
from tests.simulation.stored import Stored
from tests.simulation.totals import Totals

SECONDS_AWAY = 1.0
A_MOMENT = 3
"""Seconds between two runs: two same answers within the second of a change are believed, though it may change again."""

QUOTA_SECONDS = 1.0

Happens = Callable[[], None]
Tell = Callable[[Event], str]
"""Makes an event happen in the world; returns a line for the log."""


class Conductor(ABC):
    """Makes runs on a stage, writes the events to `log`, and counts them. `tell`: makes an event happen.

    About the last run: `froze` says whether it was stopped for a while; `at_takeover` is the database at the moment
    when another run had taken the lock over.
    """

    def __init__(self, stage: Stage, log: list[str], tell: Tell) -> None:
        self.stage = stage
        self.log = log
        self._tell = tell
        self._orders: Sequence[Order] = ()
        self.counted = Totals(histories=1)
        self.froze = False
        self.at_takeover: Stored | None = None
        self.began = stage.sandbox.world.clock.now()
        """When the last run began, by the world's clock."""
        self._amiss: list[Exception] = []
        self._on_their_way = 0

    def pass_a_moment(self) -> None:
        """Lets time pass until the next run, on our clock as on the world's."""
        world = self.stage.sandbox.world
        world.advance(A_MOMENT)
        now = world.clock.now()
        self.time_passed((now - self.began) / 1000)
        self.began = now

    def run(self, step: RunStep, *orders: Order) -> list[Outcome]:
        """Makes a run for each order, all at the same time, and waits until they and their connections have ended."""
        self.froze, self.at_takeover = False, None
        self._amiss.clear()
        self._orders = orders
        self._set_up(step)
        outcomes = self.played(step, orders)
        self.counted.runs += len(orders)
        self.counted.endings.update(outcome.error for outcome in outcomes)
        if self._amiss:
            raise self._amiss[0]
        self.settle()
        self.check()
        self._check_quota()
        if not step.patient:
            self.stage.administrator.lease_runs_out()
        return outcomes

    def totals(self, events: int) -> Totals:
        """Everything that was counted in the history, at its end."""
        watch, counted = self.stage.watch, self.counted
        watch.clear()
        counted.requests, counted.events, counted.looks = watch.requests_in_all, events, self.stage.reader.looks
        counted.faults += watch.faults_in_all
        return counted

    @abstractmethod
    def played(self, step: RunStep, orders: Sequence[Order]) -> list[Outcome]:
        """Makes the runs with faults at their places."""

    @abstractmethod
    def settle(self) -> None:
        """Waits until the run's connections have ended."""

    @abstractmethod
    def time_passed(self, seconds: float) -> None:
        """The world's clock has moved since the last run."""

    @abstractmethod
    def kill(self) -> None:
        """SIGKILL."""

    @abstractmethod
    def stop(self) -> None:
        """SIGTERM."""

    @abstractmethod
    def freeze(self) -> None:
        """SIGSTOP, until another run has taken the lock over, then SIGCONT."""

    @abstractmethod
    def cut(self) -> None:
        """All connections of runs to the database are lost."""

    @abstractmethod
    def away(self) -> None:
        """No connection to the database for a while."""

    @abstractmethod
    def unheard(self) -> None:
        """The commit has succeeded, and its answer is lost."""

    @abstractmethod
    def full(self) -> None:
        """The disk is full at the commit."""

    @abstractmethod
    def astray(self, requests: int) -> None:
        """The next answers redirect to another origin."""

    @abstractmethod
    def check(self) -> None:
        """What must hold after every run."""

    def _set_up(self, step: RunStep) -> None:
        """Sets up the error rates, and the faults at certain requests."""
        stage = self.stage
        stage.watch.clear()
        stage.sandbox.faults, stage.sandbox.down = step.weather.faults, False
        for fault in step.faults:
            match fault.where:
                case "request":
                    stage.watch.at[fault.at].append(self.happens(fault))
                case "contacts":
                    stage.watch.at_contacts.append(self.happens(fault))

    def order(self, plan: str, budget: int | None = None, *, hinted: bool = False, **environment: str) -> Order:
        """The order for a run; `environment` has the variables beside those that all runs have."""
        stage, given = self.stage, self.stage.setting
        everywhere = environment_of(stage.sandbox, stage.entrance, PYRUS_ETL_CONCURRENCY=str(given.concurrency))
        environment = everywhere | environment
        if given.quota:
            environment["PYRUS_ETL_QUOTA"] = f"{given.quota}/{QUOTA_SECONDS:g}s"
        flow = given.linger, given.largest_batch, given.most_in_flight
        return Order(plan, environment, budget, given.span, *flow, hinted=hinted)

    def rival(self) -> Order:
        """The order for the sync that is made beside a frozen run."""
        return msgspec.structs.replace(self._orders[0], plan="sync", requests=None)

    def happens(self, fault: Fault) -> Happens:
        """The action of a fault; its errors are raised at the end of the run."""

        def happens() -> None:
            with self.careful():
                self.log.append(f"    {fault}: {self._happen(fault)}")
                self.counted.faults[fault.kind] += 1

        return happens

    @contextmanager
    def careful(self) -> Iterator[None]:
        """Keeps an error of the block until the end of the run."""
        try:
            yield
        except Exception as error:
            self._amiss.append(error)

    def _happen(self, fault: Fault) -> str:
        stage = self.stage
        match fault.kind:
            case "event":
                assert fault.event
                return self._tell(fault.event)
            case "kill":
                self.kill()
            case "stop":
                self.stop()
            case "freeze":
                self.froze = True
                self.freeze()
            case "unheard":
                self.unheard()
            case "full":
                self.full()
            case "cut":
                self.cut()
            case "away":
                self.away()
            case "restart" | "crash":
                how = signal.SIGINT if fault.kind == "restart" else signal.SIGQUIT
                stage.administrator.allow(True)  # it has to connect again itself
                with really_waiting(), stopped(stage.server, how):
                    pass
            case "astray":
                self.astray(fault.requests)
            case "tokens":
                stage.sandbox.revoke_tokens()
            case "down":
                stage.sandbox.down = True
                stage.watch.at[stage.watch.number + fault.requests].append(self._up)
        return "done"

    def _up(self) -> None:
        self.stage.sandbox.down = False

    def took_over(self, outcome: Outcome | None, held: bool) -> None:
        """Another run was made beside the frozen one, which `held` the lock."""
        if (held or self.at_takeover) and outcome and outcome.status == "ok":
            self.at_takeover = self.stage.reader.stored()  # again if it froze twice: the second rival wrote too
        self.counted.runs += 1
        require(outcome is not None, "a run beside a frozen one did not come to its end")
        assert outcome
        self.log.append(f"    a sync beside it ended: {outcome.error or outcome.status} {outcome.message}")
        require(not outcome.amiss, f"a run beside a frozen one ended with\n{outcome.amiss}")

    def _check_quota(self) -> None:
        """The quota holds over all runs of a history, killed ones too; a frozen one had requests on their way."""
        if self.froze:
            self._on_their_way += self.stage.setting.concurrency
        overruns = self.stage.sandbox.overruns
        require(overruns <= self._on_their_way, f"{overruns} requests went over the quota")

    def look(self) -> None:
        check_whole(self.stage.reader.halves())
