"""`pyrus-etl serve`: one process that stays. It syncs, takes webhooks, and shows health, metrics and the page."""
