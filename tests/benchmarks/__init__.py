"""How fast it is, in how much memory, with how many requests, and how its peers do: `make bench`.

Programs with figures, never timed tests. What they found stands in docs/performance.md.
"""
