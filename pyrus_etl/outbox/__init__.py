"""Rows of the outbox, without I/O: read, checked against the forms, and found again in a task."""
