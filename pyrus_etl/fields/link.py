"""Tasks of another form, shown by the subject of the link."""

from pyrus_etl.fields.family import Family

FAMILY = Family("tasks", ("FormLink",), "max(value_text) {only}", "value_text")
