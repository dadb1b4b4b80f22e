"""Titles of sections, which may have a checkmark."""

from pyrus_etl.fields.family import Family

FAMILY = Family(
    "title",
    ("Title",),
    aggregate="bool_or(lower(coalesce(value_json ->> 'Checkmark', value_json ->> 'checkmark')) = 'checked') {only}",
    text="initcap(coalesce(value_json ->> 'Checkmark', value_json ->> 'checkmark'))",
)
