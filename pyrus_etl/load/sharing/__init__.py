"""What accounts and processes share: who sees, claims and reads a task, and the quota."""
