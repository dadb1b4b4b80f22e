"""A history over API v4: made from a seed, and printed line by line."""

from random import Random
from typing import NamedTuple

from tests.simulation.events import KINDS_V4, any_event
from tests.simulation.faults import HARMS, any_kill, some_faults
from tests.simulation.history import RunStep, Setting, Step, any_run, history_of

PLANS = {"sync": 8, "backfill": 2, "restart": 1, "reconcile": 3, "force": 5, "retry": 1, "rebuild": 2}
LAG = 600.0


class Given(NamedTuple):
    """What only histories over API v4 have; the others are options of the sandbox.

    `bots`: 1, or 2 that see different, overlapping forms.
    """

    bots: int
    register_lag: float
    register_cap: int | None
    list_cap: int | None
    hybrid: bool


class HistoryV4(NamedTuple):
    """Steps in a setting."""

    seed: int
    setting: Setting
    given: Given
    steps: tuple[Step, ...]

    def __str__(self) -> str:
        return "\n".join([f"seed {self.seed}: {self.setting}, {self.given}", *(f"  {step}" for step in self.steps)])


def history_v4_of(seed: int, length: int = 6, share_of_kills: float = 0.1) -> HistoryV4:
    """The history of a seed: `length` runs, with events between them. Its setting is that of the seed over API v3.

    In half of the histories, the first runs are over API v3, and the database moves to v4 after them.
    """
    dice = Random(f"v4 {seed}")
    given = Given(
        bots=dice.choice((1, 1, 2)),
        register_lag=dice.choice((0.0, LAG)),
        register_cap=dice.choice((None, 5, 20)),
        list_cap=dice.choice((None, 6)),
        hybrid=dice.random() < 0.2,
    )
    setting = history_of(seed, length, share_of_kills).setting._replace(skews=False)
    if given.bots > 1:
        setting = setting._replace(quota=None)  # the sandbox has one for both
    steps: list[Step] = []
    run: RunStep | None = None
    moves_after = dice.choice((0, 0, 0, 1, 2, length))
    for number in range(length):
        steps += (any_event(dice, KINDS_V4) for _ in range(dice.choice((0, 1, 3, 6))))
        run = _any_run(dice, setting, given, run)._replace(over_v3=number < moves_after)
        steps.append(run)
    return HistoryV4(seed, setting, given, tuple(steps))


def _any_run(dice: Random, setting: Setting, given: Given, last: RunStep | None) -> RunStep:
    """The first run has most to do and is usually killed; a harmed run is usually started again."""
    faults = some_faults(dice, setting.tasks, setting.kills, KINDS_V4)
    if last is None:
        faults += dice.choice(((), (any_kill(dice, setting.kills),), (any_kill(dice, setting.kills),)))
    plan = _any_plan(dice)
    if last and any(fault.kind in HARMS for fault in last.faults) and dice.random() < 0.7:
        plan = last.plan
    run = any_run(dice, setting, plan, faults)
    if given.bots == 1:
        return run
    match dice.randrange(3):
        case 0:
            return run._replace(plan=plan or _any_plan(dice))
        case 1:
            return run._replace(plan="", beside=_any_plan(dice))
    together = tuple(fault for fault in faults if fault.kind != "freeze")  # nobody else may write beside a frozen run
    return run._replace(plan=plan or _any_plan(dice), beside=_any_plan(dice), faults=together)


def _any_plan(dice: Random) -> str:
    return dice.choices(list(PLANS), list(PLANS.values()))[0]
