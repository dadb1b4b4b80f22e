"""The errors that a user can act on, each with the exit code that scripts rely on.

PyrusEtlError
├── SettingsError             2
│   └── TargetUnavailable     2
├── LoginRefused              3
├── PyrusUnreachable          4
│   ├── BodyTooLarge          4
│   ├── BodyCut               4
│   ├── ListRefused           4
│   ├── ListOverfull          4
│   └── AnswerLost            4
├── DatabaseUnavailable       5
│   └── RowsRefused           5
├── TaskRefused               6
├── FeedRefused               6
├── FileRefused               6
├── WriteRefused              6
├── CensusDoubted             6
├── LockHeld                  7
├── ClaimsLost                7
├── DataStale                 8
└── StoppedEarly
    ├── BudgetSpent           0
    └── Stopped               128 + the number of the signal

Exit code 1 is for bugs, that is any other exception. Only they show a traceback.

A message says what failed, on what, and what to do. It holds no secret. Only the command line prints it.
"""

SET_ASIDE = 6
"""The exit code of a run that did its work, except for tasks that were set aside."""


class PyrusEtlError(Exception):
    """The parent of all errors that are not bugs; printed without a traceback.

    Not raised itself, so it has no exit code.
    """

    exit_code: int


class SettingsError(PyrusEtlError):
    """A setting, an option or the config file cannot be used."""

    exit_code = 2


class TargetUnavailable(SettingsError):
    """The folder or the bucket for contents of files is missing, full, or not ours to use."""


class LoginRefused(PyrusEtlError):
    """Pyrus does not accept the login, the key or the token."""

    exit_code = 3


class PyrusUnreachable(PyrusEtlError):
    """Pyrus, or another service, cannot be reached, fails after all retries, or does not answer as its API should."""

    exit_code = 4


class BodyTooLarge(PyrusUnreachable):
    """The answer exceeds our memory limit, or a file its caller's limit. For a list, asking for fewer rows may help."""

    certain = True


class BodyCut(PyrusUnreachable):
    """A file broke off after its first `received` bytes, which the caller has got."""

    def __init__(self, message: str, received: int) -> None:
        super().__init__(message)
        self.received = received


class ListRefused(PyrusUnreachable):
    """Pyrus does not return a list of this size, and has not done so before. Asking for fewer rows may help.

    `certain`: whether Pyrus refused this size, or failed for a reason that may pass.
    """

    def __init__(self, message: str, *, certain: bool) -> None:
        super().__init__(message)
        self.certain = certain


class ListOverfull(PyrusUnreachable):
    """A second of a list, or any period, has more tasks than Pyrus returns at once. What it returned was listed."""


class AnswerLost(PyrusUnreachable):
    """A write was sent and its answer was lost; whether the service applied it could not be found out.

    `is_final`: it must not be sent again, because the service says that it applied the write, or was sent it often
    enough.
    """

    def __init__(self, message: str, *, is_final: bool = False) -> None:
        super().__init__(message)
        self.is_final = is_final


class DatabaseUnavailable(PyrusEtlError):
    """PostgreSQL cannot be reached, or its schema is not at the revision that this version expects.

    `is_lost`: the connection was lost or could not be opened, which may pass.
    """

    exit_code = 5

    def __init__(self, message: str, *, is_lost: bool = False) -> None:
        super().__init__(message)
        self.is_lost = is_lost


class ClaimsLost(PyrusEtlError):
    """A worker process may not commit its tasks; it ends, and its run finds out why."""

    exit_code = 7


class RowsRefused(DatabaseUnavailable):
    """PostgreSQL cannot hold some rows, or a trigger or constraint refuses them.

    `table`: the table of the rows, if known. If the rows belong to a task, sync sets the task aside.
    """

    def __init__(self, message: str, table: str | None = None) -> None:
        super().__init__(message)
        self.table = table


class TaskRefused(PyrusEtlError):
    """One task cannot be fetched or read. It is set aside and the run goes on.

    `denied`: Pyrus answered 403 or 404. `odd`: the server failed in a way that does not usually concern a single task.
    """

    exit_code = SET_ASIDE

    def __init__(
        self, message: str, *, stage: str, payload: bytes | None = None, denied: bool = False, odd: bool = False
    ) -> None:
        super().__init__(message)
        self.stage = stage
        self.payload = payload
        self.denied = denied
        self.odd = odd


class FeedRefused(PyrusEtlError):
    """Pyrus does not let the account read the list of the tasks of a form or project. The run goes on without it."""

    exit_code = SET_ASIDE


class FileRefused(PyrusEtlError):
    """One file cannot be had or sent: it does not exist, it changes, or its service refuses it or its place.

    `status`: of the answer; 0 if there was none. `code`: the service's own code of the error, if it gives one;
    `shown_code`: the same without secrets.
    """

    exit_code = SET_ASIDE

    def __init__(self, message: str, *, status: int = 0, code: str = "", shown_code: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.shown_code = shown_code


class WriteRefused(PyrusEtlError):
    """Pyrus refuses to apply a write, with its own error envelope, so it has not applied it.

    `status`: of the answer. `code`: Pyrus's own code of the error; `shown_code`: the same without secrets.
    """

    exit_code = SET_ASIDE

    def __init__(self, message: str, *, status: int = 0, code: str = "", shown_code: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.shown_code = shown_code


class CensusDoubted(PyrusEtlError):
    """More tasks are missing from Pyrus than deletions are likely to explain. None was marked as deleted."""

    exit_code = SET_ASIDE


class LockHeld(PyrusEtlError):
    """Another run is working on this database and account."""

    exit_code = 7


class DataStale(PyrusEtlError):
    """The last good run is older than `status --max-age` allows, or there was none."""

    exit_code = 8


class StoppedEarly(PyrusEtlError):
    """The run ended before its work did. What it had fetched is committed; the next run continues from there."""


class BudgetSpent(StoppedEarly):
    """Stopped by its own limit, --max-requests or --max-time. This was asked for, so it is not a failure."""

    exit_code = 0


class Stopped(StoppedEarly):
    """Stopped by a signal; the exit code is 128 plus its number."""

    def __init__(self, signal_number: int) -> None:
        super().__init__("Stopped; what was fetched is committed, and the next run continues from there.")
        self.exit_code = 128 + signal_number
