"""What a run does: backfill, sync, reconcile, rebuild."""
