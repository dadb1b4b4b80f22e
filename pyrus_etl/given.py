"""The type of a value that an answer may leave out."""

from typing import TypeAlias, TypeVar

from msgspec import UNSET, UnsetType

__all__ = ["UNSET", "Given", "UnsetType"]

T = TypeVar("T")

Given: TypeAlias = T | UnsetType | None
"""A value; None if the answer says that it is empty; UNSET if the answer leaves it out."""
