"""Lists and folders that never end: a server that shows new entries on each page, or in each folder another one."""

from pyrus_etl.client.dialect import Dialect
from pyrus_etl.errors import PyrusUnreachable

MOST_PAGES = 10_000
"""Pages after which a list is given up; at the usual 500 entries a page, that is five million."""

MOST_DEPTH = 1000
"""Folders inside of one another after which they are given up."""


def require_end(dialect: Dialect, pages: int, what: str) -> None:
    """Raises PyrusUnreachable if a list has more pages than any real one."""
    if pages > MOST_PAGES:
        raise PyrusUnreachable(
            f"{dialect.service} lists {what} without an end: there are new entries on each of {MOST_PAGES:,} pages. "
            f"Check {dialect.setting}, or report this to the administrator of that {dialect.service}."
        )


def require_bottom(dialect: Dialect, depth: int, what: str) -> None:
    """Raises PyrusUnreachable if a folder is nested more deeply than any real one."""
    if depth > MOST_DEPTH:
        raise PyrusUnreachable(
            f"{dialect.service} nests the folders of {what} without an end: {MOST_DEPTH:,} are inside of one another. "
            f"Check {dialect.setting}, or report this to the administrator of that {dialect.service}."
        )
