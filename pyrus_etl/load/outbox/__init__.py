"""The outbox: its rows, who sends them, and what they refer to."""
