"""Runs and alerts, when a run is due, and how old the data are."""
