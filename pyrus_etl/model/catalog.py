"""Catalogs: tables of items that form fields refer to."""

from collections.abc import Sequence

import msgspec


class Column(msgspec.Struct, frozen=True, gc=False):
    """A column of a catalog."""

    name: str | None = None
    type: str | None = None


class CatalogItem(msgspec.Struct, frozen=True, gc=False):
    """A row of a catalog, with a text for each column."""

    id: int
    values: Sequence[str | None] = ()
    external_id: int | None = None
    deleted: bool = False


class Contents(msgspec.Struct, frozen=True, gc=False):
    """All columns and items of a catalog. `is_whole`: every value of them could be read."""

    columns: Sequence[Column | None] = ()
    items: Sequence[CatalogItem] = ()
    is_whole: bool = True


class Catalog(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """A catalog. Its `version` moves when anything in it changes."""

    id: int
    name: str | None = None
    version: int | None = None
    deleted: bool = False
    source_type: str | None = None
    external_version: int | None = None


class CatalogRead(msgspec.Struct, frozen=True, gc=False):
    """A catalog and its contents; None if they could not be read."""

    catalog: Catalog
    contents: Contents | None
