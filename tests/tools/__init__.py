"""What other programs make of our files, each in an environment of its own: `make dbt`, `make superset`."""
