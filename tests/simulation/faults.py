"""The faults of a run: of Pyrus, of the process, of the database; and the errors with which it may then end."""

from collections.abc import Mapping
from random import Random
from typing import Literal, NamedTuple

from pyrus_etl.sandbox import Faults
from tests.simulation.events import KINDS as EVENTS
from tests.simulation.events import Event, any_event

Where = Literal["request", "contacts", "commit", "answer", "step", "file", "begin"]

KINDS = {
    "kill": 30,
    "stop": 5,
    "cut": 10,
    "unheard": 8,
    "away": 3,
    "restart": 1,
    "crash": 1,
    "full": 3,
    "freeze": 8,
    "down": 5,
    "tokens": 5,
    "astray": 8,
    "event": 50,
}
"""kill, stop: SIGKILL and SIGTERM. cut: all connections to the database are lost. unheard: a commit succeeds, and the
connection is lost before its answer arrives. away: connections are lost, and refused for a second. restart, crash: the
server is stopped, or dies, and is started again. full: the disk is full at a commit. freeze: SIGSTOP, until another run
has taken the lock over, then SIGCONT. down: 503 for some requests. tokens: all are revoked. astray: some answers
redirect to another origin, in one process. event: something happens to a task."""

HARD = ("storm", "hail")
"""Error rates at which a run may fail, and set tasks aside."""

AT_COMMIT = ("kill", "stop", "cut", "away", "restart", "crash", "freeze")

SPOILS = ("down", "astray")
"""Faults that may spoil a request for good."""

HARMS = ("kill", "cut", "unheard", "away", "restart", "crash", "full", "freeze", "stop")
"""Faults that keep a run from ending normally, or from learning of its commits."""


class Fault(NamedTuple):
    """A fault at the server's nth request, at the nth step of a run's loop, or just before or after the nth commit.

    `answer`: after a commit, before its answer is heard. `contacts`: when a sync reads the contacts, after everything
    else. `begin`: before a transaction of a process that has fetched tasks. Runs that are processes have no steps, and
    of their commits only those to the connector's own tables count, except for `answer`.
    """

    kind: str
    at: int
    where: Where = "request"
    event: Event | None = None
    requests: int = 0

    def __str__(self) -> str:
        what = str(self.event) if self.event else f"{self.kind} for {self.requests}" if self.requests else self.kind
        return f"{what} at {self.where} {self.at}"


class Weather(NamedTuple):
    """A mix of error rates, by its name."""

    name: str = "fair"
    seed: int = 0

    @property
    def faults(self) -> Faults:
        match self.name:
            case "showers":  # one in eight, which a run must survive
                return Faults(error=0.03, unavailable=0.03, reset=0.025, short=0.02, html=0.02, seed=self.seed)
            case "storm":
                return Faults(error=0.15, unavailable=0.1, reset=0.15, short=0.1, html=0.1, seed=self.seed)
            case "hail":  # some tasks cannot be fetched in nine tries
                return Faults(error=0.8, endpoints=("task",), seed=self.seed)
            case "slow":
                return Faults(slow=0.3, seconds=0.05, seed=self.seed)
            case "refusals":
                return Faults(limit=0.03, retry_after=1, error=0.05, seed=self.seed)
        return Faults()


def any_weather(dice: Random) -> Weather:
    names = ("fair", "showers", "storm", "hail", "slow", "refusals")
    return Weather(dice.choices(names, (10, 5, 2, 2, 2, 1))[0], dice.randrange(1 << 30))


def some_faults(dice: Random, tasks: int, kills: bool, events: Mapping[str, int] = EVENTS) -> tuple[Fault, ...]:
    """Usually few faults, sometimes many; more at the beginning of a run than later. `kills`: runs are processes."""
    number = dice.choices((0, 1, 2, 5), (3, 4, 4, 3))[0]
    faults = (_any_fault(dice, tasks, kills, events) for _ in range(number))
    return tuple(sorted(faults, key=lambda fault: (fault.where, fault.at)))


def any_kill(dice: Random, kills: bool) -> Fault:
    """A kill at any place of a run."""
    anywhere: tuple[Where, ...] = ("step", "step", "request", "commit", "answer")
    where = dice.choice(("request", "commit") if kills else anywhere)
    most: dict[Where, int] = {
        "step": dice.choice((30, 100, 400)),
        "request": dice.choice((3, 20)),
        "commit": 15,
        "answer": 15,
    }
    return Fault("kill", dice.randint(1, most[where]), where)


def _any_fault(dice: Random, tasks: int, kills: bool, events: Mapping[str, int]) -> Fault:
    kind = dice.choices(list(KINDS), list(KINDS.values()))[0]
    if kind == "kill":
        return any_kill(dice, kills)
    at = dice.randint(1, dice.choice((4, 12, tasks + 10)))
    if kind == "event":
        return Fault(kind, at, dice.choice(("request", "request", "contacts")), event=any_event(dice, events))
    if kind in ("down", "astray"):
        return Fault(kind, at, requests=dice.choice((3, 20, 400) if kind == "down" else (1, 2, 10)))
    if kind == "unheard":
        return Fault(kind, dice.randint(1, dice.choice((4, 15))), "answer")
    if kind == "full":
        return Fault(kind, dice.randint(1, 10), "commit")
    if kind in AT_COMMIT and dice.random() < 0.5:
        return Fault(kind, dice.randint(1, 10), "commit")
    return Fault(kind, at)


def permitted(faults: tuple[Fault, ...], weather: Weather, plan: str) -> set[str]:
    """The errors with which a run may end under these faults; "" is a normal end."""
    kinds = {fault.kind for fault in faults}
    found = {""}
    if plan == "reconcile":
        found.add("CensusDoubted")
    if weather.name in HARD or kinds & {*SPOILS}:
        found.add("PyrusUnreachable")
    if "tokens" in kinds:
        found.add("LoginRefused")  # a token that is revoked before its first use looks like a failed login
    if "stop" in kinds:
        found |= {"Stopped", "SIGTERM"}
    if "kill" in kinds:
        found.add("SIGKILL")
    if "freeze" in kinds:
        found.add("LockHeld")
    if "full" in kinds:
        found |= {
            "DatabaseUnavailable",
            "RowsRefused",
        }  # a trigger raises it, so it may look like an error of a user's trigger
    return found
