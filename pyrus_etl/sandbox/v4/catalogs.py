"""The catalogs of the organisation: one for each catalog field of its forms. Their items can change."""

from __future__ import annotations

from typing import Any

import msgspec

from pyrus_etl.sandbox.organisation.forms import KINDS, Field

Json = dict[str, Any]

FIRST_ID, FIRST_VERSION = 10_000, 1_303_000_000


class Item(msgspec.Struct):
    id: int
    values: list[str]
    deleted: bool = False
    external_id: int | None = None

    def shown(self) -> Json:
        written: Json = {"item_id": self.id, "values": self.values}
        if self.deleted:
            written["deleted"] = True
        return written if self.external_id is None else written | {"external_id": self.external_id}


class Catalog(msgspec.Struct):
    """A catalog; `version` moves with every change."""

    id: int
    name: str
    headers: list[str]
    items: dict[int, Item]
    version: int
    deleted: bool = False

    def head(self) -> Json:
        written: Json = {"catalog_id": self.id, "name": self.name, "version": self.version, "external_version": 0}
        return written | {"deleted": self.deleted, "source_type": "manual"}

    def shown(self, *, with_deleted: bool) -> Json:
        """The whole catalog; without items, the key is left out."""
        headers = [{"name": name, "type": "text"} for name in self.headers]
        items = [item.shown() for item in self.items.values() if with_deleted or not item.deleted]
        return self.head() | {"catalog_headers": headers} | ({"items": items} if items else {})

    def change(self, item_id: int, values: list[str]) -> None:
        """Changes an item, or adds it."""
        self.items[item_id] = Item(item_id, values)
        self.version += 1

    def drop(self, item_id: int) -> None:
        self.items[item_id].deleted = True
        self.version += 1


def catalog_id(field: Field) -> int:
    return FIRST_ID + field.id


def of_field(field: Field) -> Catalog:
    """The catalog of a field. Its last item was deleted, though tasks still name it."""
    header, *names = field.choices
    ids = [field.id * 100 + place for place in range(len(names))]
    items = {
        item_id: Item(item_id, [name, f"{field.id}-{place:03}"], deleted=place == len(names) - 1)
        for place, (item_id, name) in enumerate(zip(ids, names, strict=True))
    }
    items[ids[0]].external_id = 700 + field.id
    return Catalog(
        catalog_id(field), f"{field.name} list", [header, "Code"], items, FIRST_VERSION + field.id % 1_000_000
    )


def catalogs() -> dict[int, Catalog]:
    found = [of_field(field) for kind in KINDS for field in kind.fields if field.type == "Catalog"]
    return {one.id: one for one in found}
