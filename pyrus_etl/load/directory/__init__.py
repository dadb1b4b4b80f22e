"""What tasks refer to → its tables, and what each account sees of it."""
