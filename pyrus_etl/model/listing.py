"""What an account sees in a stream of the directory."""

from collections.abc import Sequence
from typing import Generic, NamedTuple, TypeVar

T = TypeVar("T")


class Listing(NamedTuple, Generic[T]):
    """Everything of a stream that an account sees.

    `is_whole`: every value could be read. If not, something may be there that is not among the things.
    """

    things: Sequence[T]
    is_whole: bool = True
