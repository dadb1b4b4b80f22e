"""The commands that fetch tasks, and how a plan is carried out for a command."""
