"""The settings of the interpreter for commands that make many rows."""

import gc
import sys

from pyrus_etl.cli.interpreter import suit_many_rows


def test_commands_that_make_many_rows_collect_less_garbage_and_take_shorter_turns() -> None:
    threshold, turn = gc.get_threshold(), sys.getswitchinterval()
    try:
        suit_many_rows()
        assert gc.get_threshold()[0] > 100 * threshold[0]
        assert sys.getswitchinterval() < turn / 4
    finally:
        gc.set_threshold(*threshold)
        sys.setswitchinterval(turn)
