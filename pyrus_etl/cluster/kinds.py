"""The kinds of jobs, and which goes first: what webhooks named, then changes, then what is old, then files."""

HINTS, SYNC, BACKFILL, FILES = "hints", "sync", "backfill", "files"

PRIORITY = {HINTS: 80, SYNC: 50, BACKFILL: 10, FILES: 0}
"""Kind → its priority in the queue."""
KINDS = tuple(PRIORITY)
