"""The reports as one page of charts and tables."""
