"""The memory of a process that stays: what a run leaves behind goes back to the system.

Commands look for cycles seldom (cli/interpreter.py), because a run makes millions of objects in none. What is in
cycles, such as callbacks of requests and tracebacks of errors, would stay for hours, and the C library keeps what is
freed.
"""

import gc
import sys
from collections.abc import Callable
from functools import cache


def give_back() -> None:
    """Frees what nobody uses any more, and returns free memory to the system, if the C library can."""
    gc.collect()
    if trim := _trim():
        trim(0)


@cache
def _trim() -> Callable[[int], int] | None:
    """glibc's malloc_trim: https://man7.org/linux/man-pages/man3/malloc_trim.3.html."""
    import ctypes  # only processes that stay need it

    return getattr(ctypes.CDLL(None), "malloc_trim", None) if sys.platform == "linux" else None
