"""Asks any HTTP API politely: pace, retries, one token for all, the meaning of an answer. It knows no vendor."""
