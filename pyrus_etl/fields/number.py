"""Numbers and amounts of money, exact."""

from pyrus_etl.fields.family import Family

FAMILY = Family("number", ("Number", "Decimal", "ApprovalStep"), "max(value_number) {only}", "value_number::text")
