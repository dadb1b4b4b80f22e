"""`report`, `reports` and `dbt`."""
