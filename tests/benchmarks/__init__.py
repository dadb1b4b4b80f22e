"""Measures speed, memory and requests, and compares them with other tools: `make bench`.

These are programs that print figures, not timed tests. docs/performance.md has the results.
"""
