"""Pyrus tasks, forms and approvals in PostgreSQL."""
