"""Who may read what: rights on reports and tables, views for readers of some forms, and who may write the outbox."""
