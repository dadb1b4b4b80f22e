"""The program from which runs are forked: imports happen once, and a kill is a real kill.

For each order, a line of JSON on stdin, it forks, prints the child's pid, waits, and prints the outcome of the run.
"""

import asyncio
import os
import signal
import sys

import msgspec

from tests.simulation.orders import Order, Outcome, carry_out, errors_logged


def main() -> None:
    for line in sys.stdin.buffer:
        order = msgspec.json.decode(line, type=Order)
        receiving, sending = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(receiving)
            _live(order, sending)
        os.close(sending)
        _print(str(child).encode())
        with open(receiving, "rb") as pipe:
            outcome = pipe.read()
        _, ended = os.waitpid(child, 0)
        _print(outcome if outcome and not os.WIFSIGNALED(ended) else msgspec.json.encode(_without_outcome(ended)))


def _print(line: bytes) -> None:
    sys.stdout.buffer.write(line + b"\n")
    sys.stdout.buffer.flush()


def _without_outcome(ended: int) -> Outcome:
    if os.WIFSIGNALED(ended):
        return Outcome(signal.Signals(os.WTERMSIG(ended)).name)
    return Outcome(amiss=f"the process ended with {os.waitstatus_to_exitcode(ended)} without an outcome")


def _live(order: Order, sending: int) -> None:
    """Runs in the child, and ends it."""
    try:
        os.write(sending, msgspec.json.encode(_conducted(order)))
    finally:
        os._exit(0)


def _conducted(order: Order) -> Outcome:
    with errors_logged() as errors:
        outcome = asyncio.run(carry_out(order))
    outcome.amiss += "".join(errors)
    return outcome


if __name__ == "__main__":
    main()
