"""What a run writes: batches of tasks, and the state of the sync, one file for each table of it."""
