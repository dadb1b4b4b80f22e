"""The views of `pyrus_report`: one .sql file each, named like the view, with its comments.

A file reads `CREATE OR REPLACE VIEW pyrus_report.name AS …; COMMENT ON VIEW …; COMMENT ON COLUMN …;`. The view's
comment begins with the question that it answers. In it, `{value_as_text}` is the expression that the families of field
types make (fields/), and `{worked until X}` the seconds worked until an instant (reports/working_time.py). Which other
views it reads is found in its text. Names that begin with `form_` are those of the wide views (wide_views/). A view
that is given up is dropped by a migration, and what is materialised of it.
"""

import re
from graphlib import TopologicalSorter
from pathlib import Path

from pyrus_etl.fields import value_as_text
from pyrus_etl.schema.metadata import REPORT_SCHEMA

_WORKED_UNTIL = re.compile(r"\{worked until ([^}]+)\}")
_SECONDS_WORKED = (
    r"(SELECT worked_before + extract(epoch FROM least(\1, ends_at) - starts_at) FROM pyrus.working_periods "
    r"WHERE starts_at <= \1 ORDER BY starts_at DESC LIMIT 1)"
)
_MENTIONED = re.compile(rf"\b{REPORT_SCHEMA}\.(\w+)")


def views() -> dict[str, str]:
    """The statements of every view, in an order in which they can be run."""
    texts = {path.stem: _text(path) for path in Path(__file__).parent.glob("*.sql")}
    needs = {name: set(_MENTIONED.findall(text)) - {name} for name, text in texts.items()}
    return {name: texts[name] for name in TopologicalSorter(needs).static_order()}


def _text(path: Path) -> str:
    text = path.read_text("utf-8").replace("{value_as_text}", value_as_text())
    return _WORKED_UNTIL.sub(_SECONDS_WORKED, text)
