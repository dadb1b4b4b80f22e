"""What a run lists: since when, which lists and registers, what they refer to, and what no list shows."""
