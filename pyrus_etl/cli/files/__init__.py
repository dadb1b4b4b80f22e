"""`files …` and `attachments …`."""
