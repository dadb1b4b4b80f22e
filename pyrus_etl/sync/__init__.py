"""The pipeline from the API to the tables, and the plans that feed it."""
