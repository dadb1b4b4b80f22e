"""The words of API v4 → those of API v3, which the model and the tables use."""

FIELD_TYPES = {
    "text": "Text",
    "email": "Email",
    "phone": "Phone",
    "note": "Note",
    "number": "Number",
    "money": "Decimal",
    "step": "ApprovalStep",
    "date": "Date",
    "due_date": "DueDate",
    "due_date_time": "DueDateTime",
    "task_approval_date": "ApprovalDate",
    "creation_date": "CreationDate",
    "time": "Time",
    "checkmark": "Checkmark",
    "flag": "Flag",
    "status": "ActivityStatus",
    "person": "Person",
    "author": "Author",
    "person_responsible": "Assignee",
    "task_approval_user": "ApprovalPerson",
    "catalog": "Catalog",
    "multiple_choice": "MultipleChoice",
    "form_link": "FormLink",
    "project": "Project",
    "file": "Files",
    "table": "Table",
    "title": "Title",
}
"""Type of a form field as served → its name in the tables."""


def field_type(served: str | None) -> str | None:
    """The name of a field's type; an unknown one keeps the name served."""
    return None if served is None else FIELD_TYPES.get(served, served)
