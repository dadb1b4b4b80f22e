"""Tasks → the tables: batches, what is stored, doubted, rejected or deleted, and rows made again."""
