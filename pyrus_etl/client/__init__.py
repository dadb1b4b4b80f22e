"""A polite client for any HTTP API: pace, retries, one shared token, the meaning of an answer. It knows no vendor."""
