"""The path of a task: wanted, fetched, decoded, committed; and its rows made again from the stored body."""
