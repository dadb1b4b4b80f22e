"""How far each account has come: cursors, backfills, feeds, hints, the inbox."""
