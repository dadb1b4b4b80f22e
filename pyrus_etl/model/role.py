"""Roles: groups of persons, which tasks may name in place of a person."""

from collections.abc import Sequence

import msgspec


class Role(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """A role and its members. A role that was deleted is `fired`."""

    id: int | None = None
    name: str | None = None
    external_id: str | None = None
    banned: bool | None = None
    fired: bool | None = None
    member_ids: Sequence[int | None] | None = None
