"""Contents of files: requested, checked, stored or copied, and verified."""
