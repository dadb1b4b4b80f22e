"""Choices from a list that the form defines."""

from pyrus_etl.fields.family import Family

FAMILY = Family("choice", ("MultipleChoice",), "max(value_text) {only}", "value_text")
