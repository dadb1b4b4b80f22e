"""A task: its planned history, the effects of its notes, its values and files, its body."""
