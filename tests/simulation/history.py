"""A history: made from a seed, and told line by line."""

from random import Random
from typing import Literal, NamedTuple

from tests.simulation.faults import Fault, Weather, any_weather, some_faults
from tests.simulation.world_events import Event, any_event

PLANS = {"sync": 8, "backfill": 3, "restart": 1, "reconcile": 4, "force": 2, "retry": 1}
QUIET = Weather()


class Setting(NamedTuple):
    """What stays the same for a whole history."""

    tasks: int
    cap: int | None
    order: Literal["shuffled", "newest"]
    period: Literal["modified", "activity"]
    quota: int | None
    token_requests: int | None
    concurrency: int
    linger: float
    largest_batch: int
    most_on_the_road: int
    tick: float


class RunStep(NamedTuple):
    """A run, and what goes wrong in it. `patient`: after a kill, the lease runs out by itself."""

    plan: str
    faults: tuple[Fault, ...] = ()
    weather: Weather = QUIET
    budget: int | None = None
    patient: bool = False

    def __str__(self) -> str:
        told = [f"run {self.plan}", *map(str, self.faults)]
        told += [f"{self.weather.name} {self.weather.seed}"] if self.weather != QUIET else []
        told += [f"at most {self.budget} requests"] if self.budget else []
        return "; ".join(told)


Step = Event | RunStep


class History(NamedTuple):
    """Steps in a setting."""

    seed: int
    setting: Setting
    steps: tuple[Step, ...]

    def __str__(self) -> str:
        return "\n".join([f"seed {self.seed}: {self.setting}", *(f"  {step}" for step in self.steps)])


def history_of(seed: int, length: int = 8) -> History:
    """The history of a seed: so many runs, with events between them."""
    dice = Random(seed)
    cap = dice.choice((None, None, 7, 15, 40))
    setting = Setting(
        tasks=dice.randint(20, 80),
        cap=cap,
        order=dice.choice(("shuffled", "newest")),
        period=dice.choice(("modified", "activity")),
        quota=dice.choice((None, None, None, 40)),
        token_requests=dice.choice((None, None, 25)),
        concurrency=dice.choice((1, 4, 16)),
        linger=dice.choice((0.3, 0.05, 0.01)),
        largest_batch=dice.choice((1000, 10, 1)),
        most_on_the_road=dice.choice((2000, 10)),
        tick=dice.choice(
            (1.0, 0.3, 0.01) if cap is None else (1.0, 0.3)
        ),  # a second with more tasks than that is an error
    )
    steps: list[Step] = []
    for _ in range(length):
        steps += (any_event(dice) for _ in range(dice.choice((1, 3, 8, 20))))
        steps.append(_any_run(dice, setting.tasks))
    return History(seed, setting, tuple(steps))


def _any_run(dice: Random, tasks: int) -> RunStep:
    plan = dice.choices(list(PLANS), list(PLANS.values()))[0]
    faults = some_faults(dice, tasks)
    budget = dice.randint(3, tasks) if dice.random() < 0.1 else None
    return RunStep(plan, faults, any_weather(dice), budget, patient=dice.random() < 0.1)
