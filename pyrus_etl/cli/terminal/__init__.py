"""What every command writes: results, log lines, progress, files; and the standard streams."""
