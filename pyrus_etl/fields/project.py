"""Projects."""

from pyrus_etl.fields.family import Family

FAMILY = Family(
    "project",
    ("Project",),
    aggregate="max(value_project_id) {only}",
    text="project.name",
    display="(SELECT name FROM pyrus.projects WHERE project_id = {})",
    id="max(value_project_id) {only}",
)
