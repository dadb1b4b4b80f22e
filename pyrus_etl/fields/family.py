"""What is known of a family of field types."""

from typing import LiteralString, NamedTuple


class Family(NamedTuple):
    """Field types whose values are read, shown and written as text in the same way.

    `kind` names the reader in each API's folder. The other properties are SQL. `picked` is an aggregate over the values
    of one field of one task, or of one row of a table (`{only}` filters them); `shown` makes of its result what people
    read in a wide view (`{}` is the result); `id`, if there is one, is an aggregate that fills a second column. `text`
    makes text of one value in the view `field_values`, where the columns of `form_values`, `person.name` and
    `project.name` are at hand.
    """

    kind: str
    types: tuple[str, ...]
    picked: LiteralString
    text: LiteralString
    shown: LiteralString = "{}"
    id: LiteralString | None = None


FIRST_JSON: LiteralString = "(array_agg(value_json) {only})[1]"


def texts_at(path: LiteralString) -> LiteralString:
    """The SQL of the texts at a JSON path of `value_json`, with commas between them.

    They are taken from an array: PostgreSQL expects a thousand rows of a path alone, and that makes a value look so
    expensive that it no longer cares how it joins the rest.
    """
    return _TEXTS_AT.replace("{path}", path)


_TEXTS_AT: LiteralString = (
    "(SELECT string_agg(item.text, ', ')"
    " FROM jsonb_array_elements_text(jsonb_path_query_array(value_json, '{path}')) AS item (text))"
)
