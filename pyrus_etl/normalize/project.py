"""Projects → rows."""

from collections.abc import Iterator, Mapping

from pyrus_etl.model.listing import Listing
from pyrus_etl.model.project import List, Project
from pyrus_etl.model.stream import LISTS
from pyrus_etl.model.task import Filed
from pyrus_etl.schema.project import ProjectRow, projects
from pyrus_etl.schema.rows import Rows
from pyrus_etl.schema.snapshot import Part, Snapshot

NO_OVERRIDES: Mapping[int, int | None] = {}


def add_project(rows: Rows, project: Project | None) -> int | None:
    """Merges a project with the chain of its parents, and returns the id to refer to it by."""
    for link in _chain(project):
        if link.id is not None:
            rows.merge(projects, ProjectRow(link.id, link.name, link.parent.id if link.parent else None))
    return project.id if project else None


def add_projects(rows: Rows, given: Filed | None) -> list[int]:
    """Merges the projects and returns their ids, each once. An id alone says nothing to merge."""
    ids = dict.fromkeys([each if isinstance(each, int) else add_project(rows, each) for each in given or []])
    return [project_id for project_id in ids if project_id is not None]


def form_of(filed_in: Filed | None, overrides: Mapping[int, int | None]) -> int | None:
    """The form of a task with form values, by the projects that the task is filed in.

    A form is a project at the root, and its tasks are filed in it. So it is the first of the task's projects that is a
    root, or else the root above the first one. An override of a project, or of one above it, comes before that.
    """
    chains = [ids for each in filed_in or [] if not isinstance(each, int) and (ids := list(_ids_upwards(each)))]
    for project_id in (project_id for ids in chains for project_id in ids):
        if project_id in overrides:
            return overrides[project_id]
    chain = next((ids for ids in chains if len(ids) == 1), chains[0] if chains else [None])
    return chain[-1]


def _ids_upwards(link: Project | None) -> Iterator[int]:
    """The ids of a project and of those above it, up to the first one without an id."""
    while link is not None and link.id is not None:
        yield link.id
        link = link.parent


def _chain(link: Project | None) -> Iterator[Project]:
    """A project and those above it, up to the root."""
    while link is not None:
        yield link
        link = link.parent


def lists_snapshot(listing: Listing[List]) -> Snapshot:
    """All lists that the account sees, with their tree. A form among them has its name from its definition."""
    given = listing.things
    of_lists = ("project_id", "name", "parent_id", "kind", "list_type", "version", "deleted")
    of_forms = ("project_id", "parent_id", "list_type", "version")
    lists, forms = [each for each in given if not each.is_form], [each for each in given if each.is_form]
    rows = [(each.id, each.name, each.parent_id, "list", each.list_type, each.version, each.deleted) for each in lists]
    form_rows = [(each.id, each.parent_id, each.list_type, each.version) for each in forms]
    parts = (Part(projects, of_lists, rows), Part(projects, of_forms, form_rows))
    return Snapshot(LISTS, ids={each.id for each in lists}, is_whole=listing.is_whole, parts=parts)
