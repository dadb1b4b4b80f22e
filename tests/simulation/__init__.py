"""The simulation: random histories with faults, played on the real code, and invariants that must always hold.

A seed makes a history: changes of tasks, and runs of the connector with faults in them. It is played on a sandbox over
HTTP and a real PostgreSQL. In most histories all runs share one process, in which they crash (see `life`); in the
others each run is a process, which is really killed.

Histories over API v4 have one bot or two, and the same faults (see `history_v4` and `play_v4`). Histories about files
download, mirror and copy them between Pyrus and another service (see `files_history`). Those about the outbox push its
rows for one account or for several (see `outbox_history` and `senders_history`). In histories of several senders, of
workers and of clusters, processes that crash and freeze alone work in turn in one thread (see `computer`).
`python -m tests.simulation --help` shows how to play more.
"""
