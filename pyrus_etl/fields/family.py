"""The properties that a family of field types has."""

from typing import LiteralString, NamedTuple


class Family(NamedTuple):
    """Field types whose values are read, shown and written as text in the same way.

    `kind` names the reader in each API's folder. The other properties are SQL. `aggregate` is over the values of one
    field of one task, or of one row of a table (`{only}` filters them); `display` turns its result (`{}`) into the
    readable value of a wide view; `id`, if there is one, is an aggregate that fills a second column. `text` turns one
    value into text in the view `field_values`, where the columns of `form_values`, `person.name` and `project.name` are
    available.
    """

    kind: str
    types: tuple[str, ...]
    aggregate: LiteralString
    text: LiteralString
    display: LiteralString = "{}"
    id: LiteralString | None = None


FIRST_JSON: LiteralString = "(array_agg(value_json) {only})[1]"

FIRST_VALUE: LiteralString = "min(value_no) {only}"
"""The place of the value in the form; `ITEMS_DISPLAY` turns its items into text."""
ITEMS_DISPLAY: LiteralString = (
    "(SELECT string_agg(item.text, ', ' ORDER BY item_no) FROM pyrus.form_value_items AS item "
    "WHERE item.task_id = task.task_id AND note_no = 0 AND value_no = {})"
)
ITEMS_TEXT: LiteralString = (
    "(SELECT string_agg(item.text, ', ' ORDER BY item_no) FROM pyrus.form_value_items AS item "
    "WHERE item.task_id = value.task_id AND item.note_no = coalesce(value.note_no, 0) "
    "AND item.value_no = value.value_no)"
)
