"""Rows of the outbox on their way to Pyrus."""
