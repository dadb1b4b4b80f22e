"""Types without columns of their own, and undocumented types."""

from pyrus_etl.fields.family import FIRST_JSON, Family

FAMILY = Family(
    "other",
    ("ExternalFormAuthor", "Unknown"),
    aggregate=FIRST_JSON,
    text="coalesce(value_json ->> field_type, value_json #>> '{}')",
)
