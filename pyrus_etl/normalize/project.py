"""Projects → rows."""

from collections.abc import Iterator, Mapping

from pyrus_etl.model.project import Project
from pyrus_etl.schema.project import ProjectRow, projects
from pyrus_etl.schema.rows import Rows

NO_FORMS: Mapping[int, int | None] = {}


def project(rows: Rows, met: Project | None) -> int | None:
    """Merges a project met anywhere, with its chain of parents, and returns the id to refer to it by."""
    for link in _chain(met):
        if link.id is not None:
            rows.merge(projects, ProjectRow(link.id, link.name, link.parent.id if link.parent else None))
    return met.id if met else None


def project_ids(rows: Rows, met: list[Project | None] | None) -> list[int]:
    """Merges the projects and returns their ids, each once."""
    ids = dict.fromkeys([project(rows, each) for each in met or []])
    return [known for known in ids if known is not None]


def form_of(filed_in: list[Project | None] | None, forms: Mapping[int, int | None]) -> int | None:
    """The form of a task with form values, by the projects that it is filed in.

    A form is a project, at the root, and its tasks are filed in it: so it is the first of the task's projects that is a
    root, or else the root above the first. What `forms` says of a project or of one above it comes before that.
    `load.forms` infers the same of tasks that are stored.
    """
    chains = [ids for each in filed_in or [] if (ids := list(_ids_upwards(each)))]
    for project_id in (project_id for ids in chains for project_id in ids):
        if project_id in forms:
            return forms[project_id]
    chain = next((ids for ids in chains if len(ids) == 1), chains[0] if chains else [None])
    return chain[-1]


def _ids_upwards(link: Project | None) -> Iterator[int]:
    """The ids of a project and of those above it, as far up as they are told."""
    while link is not None and link.id is not None:
        yield link.id
        link = link.parent


def _chain(link: Project | None) -> Iterator[Project]:
    """A project and those above it, up to the root."""
    while link is not None:
        yield link
        link = link.parent
