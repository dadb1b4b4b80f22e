"""A history: made from a seed, and printed line by line."""

from random import Random
from typing import Literal, NamedTuple

from pyrus_etl.sandbox.world.world import START
from tests.simulation.events import Event, any_event
from tests.simulation.faults import HARMS, Fault, Weather, any_kill, any_weather, some_faults

PLANS = {"sync": 8, "backfill": 3, "period": 3, "restart": 1, "reconcile": 4, "force": 2, "retry": 1}
QUIET = Weather()
DAY = 86_400
JUMPS = (7200, DAY)


class Setting(NamedTuple):
    """The constants of a history.

    `span`: the period of its `period` backfills, in seconds since 1970. `pace`: the world's seconds that pass with
    every request. `skews`: whether the server's clock is sometimes wrong. `kills`: whether runs are processes and
    kills are real.
    """

    tasks: int
    cap: int | None
    order: Literal["shuffled", "newest"]
    period: Literal["modified", "activity"]
    quota: int | None
    token_requests: int | None
    concurrency: int
    linger: float
    largest_batch: int
    most_in_flight: int
    tick: float
    span: tuple[int | None, int | None]
    pace: float
    skews: bool
    kills: bool


class RunStep(NamedTuple):
    """A run, and its faults.

    `patient`: after a kill, the lease expires by itself. `jump`: seconds by which the server's clock is ahead.
    `beside`: the plan of the second bot's run at the same time; it is the only run if `plan` is empty.
    `over_v3`: the run of a history over API v4 before the database moves to it. `hinted`: tasks that webhooks named are
    fetched beside it, as by `serve`; the plan `hints` fetches only these.
    """

    plan: str
    faults: tuple[Fault, ...] = ()
    weather: Weather = QUIET
    budget: int | None = None
    patient: bool = False
    jump: int = 0
    beside: str = ""
    over_v3: bool = False
    hinted: bool = False

    def __str__(self) -> str:
        plans = " and ".join(filter(None, (self.plan, self.beside and f"{self.beside} of the second bot")))
        how = f"{' over v3' if self.over_v3 else ''}{' with hints' if self.hinted else ''}"
        parts = [f"run {plans}{how}", *map(str, self.faults)]
        parts += [f"{self.weather.name} {self.weather.seed}"] if self.weather != QUIET else []
        parts += [f"at most {self.budget} requests"] if self.budget else []
        parts += [f"the clock {self.jump} s ahead"] if self.jump else []
        return "; ".join(parts)


Step = Event | RunStep


class History(NamedTuple):
    """Steps in a setting."""

    seed: int
    setting: Setting
    steps: tuple[Step, ...]

    def __str__(self) -> str:
        return "\n".join([f"seed {self.seed}: {self.setting}", *(f"  {step}" for step in self.steps)])


def history_of(seed: int, length: int = 6, share_of_kills: float = 0.1) -> History:
    """The history of a seed: `length` runs, with events between them."""
    dice = Random(seed)
    cap = dice.choice((None, None, 7, 12, 25))
    setting = Setting(
        tasks=dice.randint(12, 50),
        cap=cap,
        order=dice.choice(("shuffled", "newest")),
        period=dice.choice(("modified", "activity")),
        quota=dice.choice((None, None, None, 40)),
        token_requests=dice.choice((None, None, 25)),
        concurrency=dice.choice((1, 4, 16)),
        linger=dice.choice((0.3, 0.05, 0.01)),
        largest_batch=dice.choice((1000, 1000, 10, 10, 1)),
        most_in_flight=dice.choice((2000, 10)),
        tick=dice.choice(
            (1.0, 0.3, 0.01) if cap is None else (1.0, 0.3)
        ),  # a second with more tasks than that is an error
        span=_any_span(dice),
        pace=dice.choice((0.0, 0.1, 5.0, 60.0)),
        skews=dice.random() < 0.3,
        kills=dice.random() < share_of_kills,
    )
    steps: list[Step] = []
    run: RunStep | None = None
    for _ in range(length):
        steps += (any_event(dice) for _ in range(dice.choice((1, 3, 8, 20))))
        run = _any_run(dice, setting, run)
        steps.append(run)
    return History(seed, setting, tuple(steps))


def any_run(dice: Random, setting: Setting, plan: str, faults: tuple[Fault, ...]) -> RunStep:
    """A run in any weather. The clock of the server may be wrong."""
    budget = dice.randint(3, setting.tasks) if dice.random() < 0.1 else None
    jump = dice.choice(JUMPS) if setting.skews and dice.random() < 0.3 else 0
    return RunStep(plan, faults, any_weather(dice), budget, patient=dice.random() < 0.1, jump=jump)


def _any_span(dice: Random) -> tuple[int | None, int | None]:
    """A period before the start of the world: with both ends, without a start, or without an end."""
    start = int(START.timestamp()) - dice.randrange(5 * DAY, 380 * DAY)
    end = start + dice.randrange(380 * DAY)
    return dice.choice(((start, end), (None, end), (start, None)))


def _any_run(dice: Random, setting: Setting, last: RunStep | None) -> RunStep:
    """The first run has most to do and is usually killed; a harmed run is usually started again."""
    tasks = setting.tasks
    plan = dice.choices(list(PLANS), list(PLANS.values()))[0]
    faults = some_faults(dice, tasks, setting.kills)
    if last is None:
        plan = dice.choice(("sync", "backfill", "period", "period"))
        faults += dice.choice(((), (any_kill(dice, setting.kills),), (any_kill(dice, setting.kills),)))
    elif any(fault.kind in HARMS for fault in last.faults) and dice.random() < 0.7:
        plan = last.plan
    return any_run(dice, setting, plan, faults)
