"""`cluster …` and `worker`."""
