"""One row of the outbox on its way to Pyrus: applied exactly once, or known to be in doubt.

The protocol, and what each failure on the way leads to, is in docs/write-back.md. In short: the row is committed as
`sending`, with what Pyrus had before, ahead of its only request. If the answer is lost, the effect is looked for.
"""

import asyncio
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import partial
from typing import Any

import msgspec

from pyrus_etl.errors import (
    AnswerLost,
    FileRefused,
    LockHeld,
    LoginRefused,
    PyrusUnreachable,
    StoppedEarly,
    TaskRefused,
    WriteRefused,
)
from pyrus_etl.extract.files.local import contents_within
from pyrus_etl.extract.files.refusals import UNKNOWN_FILE
from pyrus_etl.extract.writer import Newest, Writer
from pyrus_etl.load.outbox import statuses
from pyrus_etl.model.place import PYRUS, Place
from pyrus_etl.model.task import Task
from pyrus_etl.model.write import COMMENT
from pyrus_etl.outbox import effect
from pyrus_etl.outbox.effect import Absent, Baseline, Found, Unsure, Verdict
from pyrus_etl.schema.counts import Counts
from pyrus_etl.schema.outbox import SENDING, UNKNOWN
from pyrus_etl.sync.outbox.commits import Commits
from pyrus_etl.sync.outbox.outgoing import Outgoing
from pyrus_etl.sync.plan import Run

log = logging.getLogger(__name__)

MOST_TRIES = 5
"""How often a row is sent at most in one run, if its answers are lost and its effect is surely absent."""
MOST_CANDIDATES = 200
"""New tasks that are looked at for the effect of a row."""


@dataclass(frozen=True)
class Desk:
    """What all rows share. `slots`: rows that are at work at the same time; one that only waits takes none.

    `stopped`: the tasks whose later rows are left to the next push.
    """

    run: Run
    writer: Writer
    commits: Commits
    slots: asyncio.Semaphore
    folder: str | None
    stopped: set[int] = field(default_factory=set)


@dataclass(frozen=True)
class Pushed:
    """How a row ended. `task_id`: it was applied to this task. `seen`: the task as it was just after it.

    `goes_on`: whether the next row of the task may be sent.
    """

    goes_on: bool
    task_id: int | None = None
    seen: Task | None = None


STOPPED = Pushed(goes_on=False)


async def pushed(desk: Desk, row: Outgoing, seen: Task | None) -> Pushed:
    """Settles a row. `seen`: its task as it is, if that is known.

    Raises what ends the run. The row is then `waiting`, if it was surely not applied, or `sending`; the next run goes
    on with it.
    """
    pushing = _Pushing(desk, row)
    async with desk.slots:
        if row.entry.status == UNKNOWN:
            return await pushing.look_again()
        if row.entry.status == SENDING:
            return await pushing.take_over()
        if row.reason_to_wait:
            return await pushing.hold(row.reason_to_wait)
        if row.problems:
            return await pushing.refuse(row.refusal)
        return await pushing.send(seen)


class _Pushing:
    """A row that is being pushed. `tries`: requests after which it may have been applied.

    `in_doubt`: one of them perhaps was, and another one is only sent because Pyrus refuses it then.
    """

    def __init__(self, desk: Desk, row: Outgoing) -> None:
        self._desk, self._row = desk, row
        self._session = desk.run.session
        self._store = self._session.store
        self._tries = row.entry.attempts
        self._begun = time.monotonic() - (row.entry.age or 0.0)
        self._uploads: dict[str, str] = {}
        self._in_doubt: Unsure | None = None
        stored = row.entry.baseline
        self._baseline = msgspec.json.decode(stored, type=Baseline) if stored else None

    async def look_again(self) -> Pushed:
        """A new task of which nobody knows: it may be listed by now, or so much later that it is surely absent."""
        verdict = await self._look()
        if isinstance(verdict, Absent):
            return await (self.refuse(self._row.refusal) if self._row.problems else self.send(None))
        return await self._finish(verdict) if isinstance(verdict, Found) else STOPPED

    async def take_over(self) -> Pushed:
        """A row that a dead process was sending: nobody knows whether it was sent, or what was answered."""
        verdict = await self._settled()
        if not isinstance(verdict, Absent):
            return await self._decide(verdict)
        return await (self.refuse(self._row.refusal) if self._row.problems else self.send(None))

    async def hold(self, reason: str) -> Pushed:
        """Leaves the row waiting, and says why."""
        if self._in_doubt:
            return await self._decide(self._in_doubt)
        await self._withdraw(reason)
        self._count(Counts(rows_held=1))
        return STOPPED

    async def refuse(self, reason: str, error: WriteRefused | FileRefused | None = None) -> Pushed:
        if self._in_doubt:
            return await self._decide(self._in_doubt)
        answer = (
            {"status": error.status, "code": error.shown_code, "message": str(error)}
            if error and error.status
            else None
        )
        log.warning("row %s of the outbox is refused: %s", self._row.entry.outbox_id, reason)
        await self._committed(statuses.refuse, reason, answer)
        self._count(Counts(rows_refused=1))
        return STOPPED

    async def send(self, seen: Task | None) -> Pushed:
        """Sends the row until it is surely applied, refused or in doubt."""
        try:
            await self._prepare(seen)
            for _ in range(MOST_TRIES):
                if not await self._begin():
                    return STOPPED
                pushed = await self._try()
                if pushed is not None:
                    return pushed
        except FileRefused as error:
            return await self.refuse(str(error), error)
        except TaskRefused as error:
            return await self._not_readable(error)
        return await self.hold(f"Pyrus lost it {MOST_TRIES} times and did not apply it; the next push tries again.")

    async def _prepare(self, seen: Task | None) -> None:
        """Uploads the files, which may be repeated freely, and looks at what Pyrus has before."""
        await self._upload()
        if self._baseline is None:
            self._baseline = await self._before(seen)

    async def _upload(self) -> None:
        for path in self._row.write.paths:
            if path not in self._uploads:
                contents = contents_within(self._desk.folder, path)
                upload = await self._session.source.files.upload(contents, Place(PYRUS))
                self._uploads[path] = upload.file_id

    async def _before(self, seen: Task | None) -> Baseline:
        write = self._row.write
        if write.action != COMMENT or write.task_id is None:
            return Baseline(since=self._desk.writer.server_time)
        return effect.before(seen or await self._desk.writer.task(write.task_id), self._session.account_id)

    async def _begin(self) -> bool:
        """Commits that the row is being sent; False if it is no longer its turn."""
        baseline = msgspec.json.encode(self._baseline)
        begin = partial(
            statuses.begin,
            run_id=self._session.run_id,
            account_id=self._session.account_id,
            entry=self._row.entry,
            baseline=baseline,
            tries=self._tries + 1,
        )
        if not await self._desk.commits.made(begin):
            return False
        self._tries += 1
        self._begun = time.monotonic()
        return True

    async def _try(self) -> Pushed | None:
        """Sends the row once; None if it was surely not applied, and may be sent again."""
        try:
            task = await self._desk.writer.send(self._row.write, self._uploads, self._guard)
        except AnswerLost as error:
            log.debug("looking for the effect of row %s: %s", self._row.entry.outbox_id, error)
            return await self._after_loss()
        except WriteRefused as error:
            if self._tries > 1 and error.code in UNKNOWN_FILE:  # an earlier try may have used the upload
                return await self._after_loss(is_uploaded=False)
            return await self.refuse(str(error), error)
        except LockHeld:  # from the guard; beginning again renews the lease, or finds that another process has it
            self._tries -= 1
            return None
        except (LoginRefused, PyrusUnreachable, StoppedEarly):
            self._tries -= 1
            if not self._in_doubt:  # else the next push looks again
                await self._withdraw()
            raise
        return await self._applied(task)

    def _guard(self) -> None:
        """Nothing is sent if another process may have taken the row over."""
        if not self._store.holds_lease:
            raise LockHeld("The lock of the account could not be renewed, so nothing more is sent; try again.")

    async def _applied(self, task: Task) -> Pushed:
        """Pyrus says that it has applied the row; its answer may name the note."""
        write, account_id = self._row.write, self._session.account_id
        if write.action != COMMENT:
            return await self._finish(Found(task.id), task)
        assert self._baseline is not None
        verdict = effect.in_task(task, self._baseline, write, account_id)
        found = verdict if isinstance(verdict, Found) else Found(write.task_id or task.id)
        is_shown = bool(effect.new_notes(task, self._baseline, account_id)) or not (write.text or write.attachments)
        ended = await self._finish(found, task)
        return ended if is_shown else replace(ended, goes_on=False, seen=None)  # a later row could not be told from it

    async def _after_loss(self, *, is_uploaded: bool = True) -> Pushed | None:
        verdict = await self._settled()
        if isinstance(verdict, Unsure) and is_uploaded and self._cannot_be_doubled:
            self._in_doubt = verdict
            return None
        if not isinstance(verdict, Absent):
            return await self._decide(verdict)
        if not is_uploaded:
            self._uploads.clear()
            await self._upload()
        return None

    @property
    def _cannot_be_doubled(self) -> bool:
        """Whether Pyrus refuses the next request if it has applied an earlier one: its uploads are used up."""
        return bool(self._uploads) and self._desk.writer.writes.uses_uploads_up and self._row.write.action != COMMENT

    async def _settled(self) -> Verdict:
        """Looks at once; if there is no effect, waits until none can come any more, and looks again."""
        verdict = await self._look()
        if isinstance(verdict, Found):
            return verdict
        self._desk.slots.release()  # other tasks go on meanwhile
        try:
            await self._desk.run.stop.unless_asked(asyncio.sleep(self._session.waits.late))
        finally:
            await self._desk.slots.acquire()
        return await self._look()

    async def _look(self) -> Verdict:
        write, writer, account_id = self._row.write, self._desk.writer, self._session.account_id
        if self._baseline is None:
            return Unsure("it was being sent, and nothing says what Pyrus had before; look whether it was applied.")
        try:
            if write.action == COMMENT and write.task_id is not None:
                return effect.in_task(await writer.task(write.task_id), self._baseline, write, account_id)
            return await self._look_for_task(self._baseline)
        except TaskRefused as error:
            await self._check_server(error)
            return Unsure(f"its answer was lost, and its task cannot be read: {error}.")

    async def _look_for_task(self, baseline: Baseline) -> Verdict:
        """Looks among the newest tasks. If lists have shown later changes for long, none of them is surely absent."""
        write, writer, account_id = self._row.write, self._desk.writer, self._session.account_id
        age, waits = time.monotonic() - self._begun, self._session.waits
        is_old = age > waits.lists and baseline.since is not None
        newest = await writer.newest(write, account_id, baseline.since or writer.server_time, to_the_end=is_old)
        settled = writer.server_time - timedelta(seconds=age - waits.late)
        tasks, are_all = await self._candidates(newest)
        shows_later = newest.until is not None and newest.until > settled
        return effect.among(tasks, baseline, write, account_id, are_all=is_old and are_all and shows_later)

    async def _candidates(self, newest: Newest) -> tuple[list[Task], bool]:
        """Tasks that may be the new one, which no other row has made; and whether these are all."""
        claimed = await self._store.query(statuses.claimed, sorted(newest.ids))
        ids = sorted(newest.ids - claimed, reverse=True)
        tasks = []
        for task_id in ids[:MOST_CANDIDATES]:
            try:
                tasks.append(await self._desk.writer.task(task_id))
            except TaskRefused as error:
                await self._check_server(error)
        return tasks, len(tasks) == len(ids)

    async def _decide(self, verdict: Verdict) -> Pushed:
        if isinstance(verdict, Found):
            return await self._finish(verdict)
        assert isinstance(verdict, Unsure)
        log.warning("row %s of the outbox is unknown: %s", self._row.entry.outbox_id, verdict.reason)
        await self._committed(statuses.doubt, _sentence(verdict.reason))
        return STOPPED

    async def _finish(self, found: Found, seen: Task | None = None) -> Pushed:
        await self._committed(statuses.finish, found.task_id, found.note_id)
        self._count(Counts(rows_sent=1))
        return Pushed(goes_on=True, task_id=found.task_id, seen=seen)

    async def _not_readable(self, error: TaskRefused) -> Pushed:
        """The task of a comment cannot be read before it is sent."""
        if error.denied:
            return await self.refuse(str(error))
        await self._check_server(error)
        return await self.hold(f"{error}; the next push tries again.")

    async def _withdraw(self, error: str | None = None) -> None:
        await self._committed(statuses.withdraw, self._tries, error)

    async def _committed(self, settle: Callable[..., None], *given: Any) -> None:
        """Records how the row stands, by a function of `load.outbox.statuses`."""
        run_id, outbox_id = self._session.run_id, self._row.entry.outbox_id
        await self._desk.commits.made(lambda connection: settle(connection, run_id, outbox_id, *given))

    async def _check_server(self, error: TaskRefused) -> None:
        """Raises if Pyrus as a whole is failing, and not only for this task."""
        if not error.denied:
            await self._session.source.profile()

    def _count(self, counts: Counts) -> None:
        self._desk.run.ledger.count(counts)


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]
