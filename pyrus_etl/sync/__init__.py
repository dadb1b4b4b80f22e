"""The road from the API to the tables, and its plans: incremental, backfill and reconcile."""
