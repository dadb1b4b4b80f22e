"""Projects → rows."""

from pyrus_etl.model.project import Project
from pyrus_etl.schema.project import ProjectRow, projects
from pyrus_etl.schema.rows import Rows


def project(rows: Rows, met: Project | None) -> int | None:
    """Merges a project met anywhere, with its chain of parents, and returns the id to refer to it by."""
    link = met
    while link is not None:
        if link.id is not None:
            rows.merge(projects, ProjectRow(link.id, link.name, link.parent.id if link.parent else None))
        link = link.parent
    return met.id if met else None


def project_ids(rows: Rows, met: list[Project | None] | None) -> list[int]:
    """Merges the projects and returns their ids, each once."""
    ids = (project(rows, each) for each in met or [])
    return list(dict.fromkeys(known for known in ids if known is not None))
