"""Rows → PostgreSQL: the connection and the lock, COPY and replacement, and the state of the sync."""
