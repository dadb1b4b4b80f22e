"""Checkmarks and flags: a word, and whether it means yes."""

from pyrus_etl.fields.family import Family

FAMILY = Family("flag", ("Checkmark", "Flag"), "bool_or(value_bool) {only}", "value_text")
