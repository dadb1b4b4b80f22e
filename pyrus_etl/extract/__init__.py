"""The API → model: asking Pyrus, and understanding what it answers."""
