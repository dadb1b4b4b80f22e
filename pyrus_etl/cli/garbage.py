"""The garbage collection of commands that make many rows."""

import gc


def collect_garbage_less_often() -> None:
    """Rows are many, in no cycles, and freed at their commit. Looking for cycles took a fifth of a run's time."""
    if not gc.get_freeze_count():  # a later run of the process would freeze garbage, which then stays forever
        gc.freeze()
    gc.set_threshold(200_000, 20, 50)
