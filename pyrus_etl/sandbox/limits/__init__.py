"""What any of the simulated services limits, fails and counts."""
