"""What can go wrong, each with the exit code that a script may rely on and one sentence for a person.

Every message says what failed, on what, and what to do; none carries a secret. Only the command line prints them.
"""


class PyrusEtlError(Exception):
    """The parent of all faults that are not ours: printed without a traceback."""

    exit_code = 1


class SettingsError(PyrusEtlError):
    """A setting, an option or the config file cannot be used."""

    exit_code = 2


class LoginRefused(PyrusEtlError):
    """Pyrus does not accept the login, the key or the token."""

    exit_code = 3


class PyrusUnreachable(PyrusEtlError):
    """Pyrus cannot be reached, kept failing after all retries, or does not answer as its API should."""

    exit_code = 4


class BodyTooLarge(PyrusUnreachable):
    """An answer that is larger than we hold in memory; of a list, a shorter one may do."""

    certain = True


class ListRefused(PyrusUnreachable):
    """A list that Pyrus does not give in a size that it never gave before; a shorter one may do.

    `certain`: it was refused, and did not just fail.
    """

    def __init__(self, message: str, *, certain: bool) -> None:
        super().__init__(message)
        self.certain = certain


class TaskRefused(PyrusEtlError):
    """One task cannot be had or read; it is set aside and the run goes on.

    `denied`: by 403 or 404. `odd`: by a fault of the server that is not to be expected of one task.
    """

    exit_code = 6

    def __init__(
        self, message: str, *, stage: str, payload: bytes | None = None, denied: bool = False, odd: bool = False
    ) -> None:
        super().__init__(message)
        self.stage = stage
        self.payload = payload
        self.denied = denied
        self.odd = odd


class DatabaseUnavailable(PyrusEtlError):
    """PostgreSQL cannot be reached, or its schema is not at the revision that this version expects."""

    exit_code = 5


class RowsRefused(DatabaseUnavailable):
    """PostgreSQL cannot hold some rows, or a trigger or constraint refuses them; `table` is theirs, if it is known.

    If they belong to a task, sync sets that aside.
    """

    def __init__(self, message: str, table: str | None = None) -> None:
        super().__init__(message)
        self.table = table


class LockHeld(PyrusEtlError):
    """Another run works on this database and account."""

    exit_code = 7


class CensusDoubted(PyrusEtlError):
    """So many tasks are absent that something else than deletions may be the cause; nothing was marked."""

    exit_code = 6


class StoppedEarly(PyrusEtlError):
    """The run ended before its work did, with what it had fetched committed; the next run goes on from there."""


class Stopped(StoppedEarly):
    """By a signal; `exit_code` is 128 plus its number."""

    def __init__(self, signal_number: int) -> None:
        super().__init__("Stopped; what was fetched is committed, the next run goes on from there.")
        self.exit_code = 128 + signal_number


class BudgetSpent(StoppedEarly):
    """By its own limits, --max-requests or --max-time: as asked, so nothing is wrong."""

    exit_code = 0
