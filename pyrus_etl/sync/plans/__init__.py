"""What a run does: backfill, sync, reconcile, retry."""
