"""Which events are due: decided from the runs that ended and from the events that were noted. Pure."""

from collections.abc import Collection, Iterator
from datetime import datetime, timedelta
from uuid import UUID

from pyrus_etl.load.operation.alerts import Alert, Ended, Past, Subject
from pyrus_etl.load.operation.freshness import LastGood, stale
from pyrus_etl.sync.result import DOWNLOAD, HINTS, MIRROR, SYNC_FILES, new_run_id

FAILING, RECOVERED, STALE, DOUBTED = "failing", "recovered", "stale", "census_doubted"

WHOLE = {"backfill", "sync", "reconcile"}
HEALED_BY = {
    "backfill": WHOLE,
    "sync": WHOLE,
    "retry": WHOLE | {"retry"},
    HINTS: WHOLE | {HINTS},
    "reconcile": {"reconcile"},
    DOWNLOAD: {DOWNLOAD},
    SYNC_FILES: {SYNC_FILES},
    MIRROR: {MIRROR},
}
"""Kind of a run that failed → the kinds of which a later good run shows that all is well again."""
NEWS = timedelta(days=2)
"""A failure that is older is no news: alerts may just have been switched on, and an account may have retired."""


def due(
    runs: Collection[Ended], past: Collection[Past], now: datetime, last_good: Collection[LastGood], max_age: timedelta
) -> Iterator[Alert]:
    """Yields the events that have come about and are not noted yet, in their order."""
    subjects = {run.subject for run in runs} | {Subject(each.account_id, None) for each in last_good}
    for subject in sorted(subjects, key=str):
        its_runs = [run for run in runs if run.subject == subject]
        its_past = {each.event: each for each in past if each.subject == subject}
        good = next((each for each in last_good if each.account_id == subject.account_id), None)
        old = good if good and list(stale([good], max_age)) else None
        yield from _of_subject(subject, its_runs, its_past, now, old)


def any_failing(past: Collection[Past]) -> bool:
    """Whether it was noted of somebody that runs fail, and not yet that all is well again."""
    by_subject = {each.subject: {one.event: one for one in past if one.subject == each.subject} for each in past}
    return any(_is_open(its_past, FAILING) for its_past in by_subject.values())


def _of_subject(
    subject: Subject, runs: list[Ended], past: dict[str, Past], now: datetime, old: LastGood | None
) -> Iterator[Alert]:
    def alert(event: str, run_id: UUID, kind: str, error: str | None) -> Alert:
        return Alert(new_run_id(), event, now, *subject, run_id, kind, error)

    failed = max(_failed(runs, past, now), key=_ended_at, default=None)
    if failed and not _is_open(past, FAILING):
        yield alert(FAILING, failed.run_id, failed.kind, failed.error)
    for run in runs:
        if run.outcome == "doubted" and not _is_healed(run, runs) and not _is_doubt_noted(past, runs):
            yield alert(DOUBTED, run.run_id, run.kind, run.error)
    if old and not (STALE in past and past[STALE].run_id == old.run_id):
        sentence = str(old)
        yield alert(STALE, old.run_id, old.kind, f"{sentence[0].upper()}{sentence[1:]}.")
    healing = _healing(runs, past)
    if healing and not failed and not old:
        yield alert(RECOVERED, healing.run_id, healing.kind, None)


def _failed(runs: list[Ended], past: dict[str, Past], now: datetime) -> Iterator[Ended]:
    """The runs that failed and are not healed: those that are news, and those since the failure that is noted."""
    noted = past[FAILING].run_id if _is_open(past, FAILING) else None
    for run in runs:
        is_news = now - run.ended_at < NEWS or (noted and run.run_id >= noted)
        if run.outcome == "failed" and is_news and not _is_healed(run, runs):
            yield run


def _is_healed(failed: Ended, runs: list[Ended]) -> bool:
    """Whether a later good run shows that the cause is gone."""
    kinds = HEALED_BY.get(failed.kind, {failed.kind})
    return any(run.outcome == "ok" and run.kind in kinds and run.ended_at > failed.ended_at for run in runs)


def _is_open(past: dict[str, Past], event: str) -> bool:
    """Whether the event was noted, and no recovery since."""
    return event in past and (RECOVERED not in past or past[RECOVERED].alert_id < past[event].alert_id)


def _is_doubt_noted(past: dict[str, Past], runs: list[Ended]) -> bool:
    """Whether a doubt was noted since the last good census."""
    good = next((run for run in runs if run.kind == "reconcile" and run.outcome == "ok"), None)
    return DOUBTED in past and not (good and good.run_id > past[DOUBTED].run_id)


def _healing(runs: list[Ended], past: dict[str, Past]) -> Ended | None:
    """The good run that ends what was noted, if there is one and something was."""
    noted = [past[event] for event in (FAILING, STALE) if _is_open(past, event)]
    good = [run for run in runs if run.outcome == "ok" and noted and all(run.run_id > each.run_id for each in noted)]
    return max(good, key=_ended_at, default=None)


def _ended_at(run: Ended) -> datetime:
    return run.ended_at
