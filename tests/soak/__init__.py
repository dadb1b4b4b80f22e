"""`pyrus-etl serve` for an hour, with webhooks, faults, outages and restarts of its database."""
