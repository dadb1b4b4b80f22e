"""The simulation: random histories of a world and of what goes wrong, played on the real code, and what always holds.

A seed makes a history: changes of tasks, and runs of the connector with faults in them. It is played on a sandbox over
HTTP, a PostgreSQL and processes that are really killed. `python -m tests.simulation --help` says how to play more.
"""
