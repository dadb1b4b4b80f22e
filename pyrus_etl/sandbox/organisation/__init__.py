"""The organisation before any task: its clock, people, projects, forms and words."""
