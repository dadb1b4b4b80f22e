"""What an account may see."""

from collections.abc import Sequence

import msgspec

SEES_ALL_TASKS = 2
RIGHTS = {
    1: "manage roles",
    SEES_ALL_TASKS: "see all tasks",
    4: "manage persons",
    8: "edit projects of the organization",
    16: "change settings of the organization",
    32: "delete own tasks",
    64: "announcements",
    128: "bills",
    256: "invite",
    512: "delete tasks of others",
    1024: "integrations and catalogs",
    2048: "create announcements",
}
"""Bits of the rights of a person. The vendor's own client names them; its documentation does not."""


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
    """What an account sees. `rights`: a sum of bits; None if Pyrus does not say.

    `unseen`: ids of forms that the settings name and the account does not see.
    """

    rights: int | None
    forms: Sequence[FormAccess]
    lists: int
    catalogs: int
    unseen: Sequence[int] = ()

    @property
    def rights_by_name(self) -> list[str]:
        return [name for bit, name in RIGHTS.items() if (self.rights or 0) & bit]

    @property
    def sees_all_tasks(self) -> bool | None:
        return None if self.rights is None else bool(self.rights & SEES_ALL_TASKS)
