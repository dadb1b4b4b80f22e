"""`db …`: one file for each group of subcommands."""
