"""Tables, whose cells are values of their own: what is left is the number of rows."""

from typing import LiteralString

from pyrus_etl.fields.family import Family

_ROWS: LiteralString = "CASE jsonb_typeof(value_json) WHEN 'array' THEN jsonb_array_length(value_json) END"

FAMILY = Family("table", ("Table",), f"max({_ROWS}) {{only}}", f"({_ROWS})::text")
