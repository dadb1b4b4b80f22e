"""Titles of sections, which may have a checkmark."""

from pyrus_etl.fields.family import Family

FAMILY = Family(
    "other",
    ("Title",),
    aggregate="bool_or(value_json ->> 'Checkmark' = 'Checked') {only}",
    text="value_json ->> 'Checkmark'",
)
