"""What an account may see."""

from collections.abc import Sequence

import msgspec

SEES_ALL_TASKS = 2
"""A bit of the rights of a person. The vendor's own client names the bits; its documentation does not."""


class FormAccess(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """What an account sees of a form.

    `level`: administrator, manager, restricted_manager or member; None if Pyrus does not say. `tasks`: how many tasks
    its register shows, or None if it is refused, for the reason in `refusal`. `has_more`: there may be more.
    """

    form_id: int
    name: str | None
    level: str | None = None
    tasks: int | None = None
    has_more: bool = False
    refusal: str | None = None


class Access(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """What an account sees. `rights`: a sum of bits; None if Pyrus does not say."""

    rights: int | None
    forms: Sequence[FormAccess]
    lists: int
    catalogs: int

    @property
    def sees_all_tasks(self) -> bool | None:
        return None if self.rights is None else bool(self.rights & SEES_ALL_TASKS)
