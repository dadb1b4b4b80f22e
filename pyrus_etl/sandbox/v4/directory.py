"""What can change beside tasks: forms and their fields, who may read them, and catalogs."""

from __future__ import annotations

from typing import Any, Literal

from pyrus_etl.sandbox.organisation.forms import Field, Kind
from pyrus_etl.sandbox.v4 import catalogs
from pyrus_etl.sandbox.v4.definitions import form

Json = dict[str, Any]
Level = Literal["manager", "member", "refused", "none"]


class Directory:
    """The forms and catalogs of one organisation.

    `levels` has the rights of an account (first) in a form (second). A `manager` sees all tasks; that is the default.
    A `member` sees half of them. `refused` gets no register. For `none`, the form and its tasks do not exist.
    """

    def __init__(self, kinds: tuple[Kind, ...]) -> None:
        self.catalogs = catalogs.catalogs()
        self.levels: dict[tuple[int, int], Level] = {}
        self._forms = {kind.project.id: form(kind) for kind in kinds if kind.project}

    def level(self, viewer: int, form_id: int) -> Level:
        return self.levels.get((viewer, form_id), "manager")

    def grant(self, viewer: int, form_id: int, level: Level) -> None:
        """Sets the rights of an account in a form."""
        self.levels[viewer, form_id] = level

    def permission(self, viewer: int, form_id: int) -> str:
        """The level as the vendor calls it; only a manager gets the whole register."""
        return "manager" if self.level(viewer, form_id) == "manager" else "member"

    def forms(self, viewer: int) -> list[Json]:
        """The forms that an account may see, as they are defined now."""
        return [one for form_id, one in self._forms.items() if self.level(viewer, form_id) != "none"]

    def form(self, form_id: int, viewer: int) -> Json | None:
        """One of them; None if there is no such form, or if the account may not see it."""
        return self._forms.get(form_id) if self.level(viewer, form_id) != "none" else None

    def close_form(self, form_id: int, *, closed: bool = True) -> None:
        """Marks a form as deleted or closed."""
        self._forms[form_id] |= {"deleted_or_closed": closed}

    def rename_form(self, form_id: int, name: str) -> None:
        self._forms[form_id] |= {"name": name}

    def add_field(self, form_id: int, field: Json) -> None:
        """Adds a field at the end of a form, or replaces the one with its id. Tasks get no value for it."""
        self.remove_field(form_id, field["id"])
        self._forms[form_id]["fields"].append(field)

    def remove_field(self, form_id: int, field_id: int) -> None:
        """Removes a field from the definition. Tasks keep its values."""
        defined = self._forms[form_id]
        defined["fields"] = [one for one in defined["fields"] if one["id"] != field_id]

    def change_item(self, catalog_id: int, item_id: int, values: list[str]) -> None:
        """Changes an item of a catalog, or adds it. The catalog's version moves; values in tasks stay."""
        self.catalogs[catalog_id].change(item_id, values)

    def drop_item(self, catalog_id: int, item_id: int) -> None:
        """Marks an item of a catalog as deleted."""
        self.catalogs[catalog_id].drop(item_id)

    def item(self, field: Field, item_id: int | None) -> Json | None:
        """An item of a field's catalog as API v3 shows it in a form; None if there is none, or if it is deleted."""
        catalog = self.catalogs[catalogs.catalog_id(field)]
        item = None if item_id is None else catalog.items.get(item_id)
        if item is None or item.deleted:
            return None
        return {"CatalogItemId": item.id, "CatalogItemValues": item.values, "CatalogHeaders": catalog.headers}

    def item_named(self, field: Field, name: str | None) -> int | None:
        """The id of the item with this name in a field's catalog."""
        items = self.catalogs[catalogs.catalog_id(field)].items.values()
        return next((one.id for one in items if one.values[0] == name and not one.deleted), None)

    def may_read(self, ordinal: int, form_id: int | None, viewer: int) -> bool:
        """Whether the rights in its form let the account read a task."""
        level = "manager" if form_id is None else self.level(viewer, form_id)
        return level in ("manager", "refused") or (level == "member" and ordinal % 2 == 0)
