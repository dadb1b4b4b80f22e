"""The simulation: random histories with faults, played on the real code, and invariants that must always hold.

A seed makes a history: changes of tasks, and runs of the connector with faults in them. It is played on a sandbox over
HTTP, a real PostgreSQL, and processes that are really killed. `python -m tests.simulation --help` shows how to play
more.
"""
