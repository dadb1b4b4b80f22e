"""What a run could leave behind in this process, although a process that is killed takes it along."""

import sys
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager

from tests.simulation.invariants import require

CONTAINERS = (dict, list, set, deque, bytearray)


@contextmanager
def nothing_left_behind() -> Iterator[None]:
    """After the block, every module and class of the connector has the values that it had before.

    Caches of `functools` may grow: what they cache depends on nothing but its arguments.
    """
    before = _values()
    yield
    after = _values()
    changed = [name for name, value in before.items() if after[name] != value]
    require(not changed, f"runs left something behind in {', '.join(changed)}")


def _values() -> dict[str, object]:
    found: dict[str, object] = {}
    for name, module in list(sys.modules.items()):
        if name.startswith("pyrus_etl.") and not name.startswith("pyrus_etl.sandbox"):
            for attribute, value in vars(module).items():
                if attribute == "__warningregistry__":  # Python's own; a warning about what a crash broke off
                    continue
                found[f"{name}.{attribute}"] = _value(value)
                if isinstance(value, type) and value.__module__ == name:
                    found |= {f"{name}.{attribute}.{each}": _value(one) for each, one in vars(value).items()}
    return found


def _value(value: object) -> object:
    return (len(value), str(value)) if isinstance(value, CONTAINERS) else id(value)
