"""The HTTP server of a simulated service, and the commands that change its world."""
