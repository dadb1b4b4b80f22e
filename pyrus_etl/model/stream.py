"""The streams: what is synced, each with its own lists, cursor, windows and errors."""

TASKS = "tasks"
"""Tasks: first their headers, which lists show, then the tasks that changed."""
INBOX = "inbox"
"""The headers of the tasks in the account's inbox, in its order."""
PEOPLE = "people"
"""The contacts of the account."""
