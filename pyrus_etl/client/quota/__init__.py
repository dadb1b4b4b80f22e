"""How many requests may be sent, and when: the quota, the pace, and the waits."""
