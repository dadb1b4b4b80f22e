"""Tasks of API v4 in pages: lists, registers, and what their limits hide."""
