"""Projects."""

from pyrus_etl.fields.family import Family

FAMILY = Family(
    "project",
    ("Project",),
    picked="max(value_project_id) {only}",
    text="project.name",
    shown="(SELECT name FROM pyrus.projects WHERE project_id = {})",
    id="max(value_project_id) {only}",
)
