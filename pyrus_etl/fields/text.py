"""Texts."""

from pyrus_etl.fields.family import Family

_AGGREGATE = "max(value_text) {only}"

FAMILIES = (
    Family("text", ("Text", "Email", "Note"), _AGGREGATE, "value_text"),
    Family("status", ("ActivityStatus",), _AGGREGATE, "value_text"),
    Family("phone", ("Phone",), _AGGREGATE, "value_text"),
)
