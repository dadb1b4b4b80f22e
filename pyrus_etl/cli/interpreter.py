"""Settings of the interpreter for commands that make many rows; only commands set them, for their whole process."""

import gc
import sys

SWITCH_SECONDS = 0.001
"""A thread that waits for its turn gets it after this time. The database's thread waits after each statement, and
PostgreSQL with it; Python's own setting is five times as long."""


def suit_many_rows() -> None:
    """Lets Python look for garbage less often, and take turns between threads more often.

    Rows are many, in no cycles, and freed at their commit: looking for cycles took a fifth of a run's time.
    """
    if not gc.get_freeze_count():  # a later run of the process would freeze garbage, which then stays forever
        gc.freeze()
    gc.set_threshold(200_000, 20, 50)
    sys.setswitchinterval(SWITCH_SECONDS)
