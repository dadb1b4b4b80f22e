"""Contents of files and copies of them: which are missing, and what became of them."""
