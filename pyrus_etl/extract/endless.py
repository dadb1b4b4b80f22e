"""Lists that never end: a server that shows new entries on each page, as far as it is asked."""

from pyrus_etl.client.dialect import Dialect
from pyrus_etl.errors import PyrusUnreachable

MOST_PAGES = 10_000
"""Pages after which a list is given up; at the usual 500 entries a page, that is five million."""


def require_end(dialect: Dialect, pages: int, what: str) -> None:
    """Raises PyrusUnreachable if a list has more pages than any real one."""
    if pages > MOST_PAGES:
        raise PyrusUnreachable(
            f"{dialect.service} lists {what} without an end: there are new entries on each of {MOST_PAGES:,} pages. "
            f"Check {dialect.setting}, or report this to the administrator of that {dialect.service}."
        )
