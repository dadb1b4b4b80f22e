"""Numbers that PostgreSQL can store."""

from decimal import Decimal

# Most digits in PostgreSQL before and after the decimal point: https://www.postgresql.org/docs/current/datatype-numeric.html
_MOST_DIGITS, _MOST_DECIMALS = 131072, 16383


def storable(number: Decimal) -> Decimal:
    """The number itself. Raises ValueError if PostgreSQL cannot store it to the last digit."""
    exponent = number.as_tuple().exponent
    if not isinstance(exponent, int):
        raise ValueError(f"{number} is not a number")
    if number.adjusted() >= _MOST_DIGITS or exponent < -_MOST_DECIMALS:
        raise ValueError(f"the number has more digits than PostgreSQL can store: {number:.10E}")
    return number
