"""The API → model: requests to Pyrus, and the reading of its answers."""
