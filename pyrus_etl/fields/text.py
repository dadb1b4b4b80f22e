"""Texts."""

from pyrus_etl.fields.family import Family

_PICKED = "max(value_text) {only}"

FAMILIES = (
    Family("text", ("Text", "Email", "ActivityStatus", "Note"), _PICKED, "value_text"),
    Family("phone", ("Phone",), _PICKED, "value_text"),
)
