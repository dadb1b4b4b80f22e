"""Model → rows: pure functions, one file for each noun."""
