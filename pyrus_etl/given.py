"""Whether an answer says something."""

from typing import TypeAlias, TypeVar

from msgspec import UNSET, UnsetType

__all__ = ["UNSET", "Given", "UnsetType"]

T = TypeVar("T")

Given: TypeAlias = T | UnsetType | None
"""A value; None: the answer says that there is none; UNSET: the answer does not say."""
