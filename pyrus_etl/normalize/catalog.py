"""Catalogs → rows."""

from pyrus_etl.model.catalog import Catalog, CatalogRead
from pyrus_etl.model.listing import Listing
from pyrus_etl.model.stream import CATALOGS
from pyrus_etl.normalize.numbered import numbered
from pyrus_etl.schema.catalog import CatalogColumnRow, CatalogItemRow, catalog_columns, catalog_items, catalogs
from pyrus_etl.schema.snapshot import Part, Snapshot, whole_rows

_HEAD = ("catalog_id", "name", "version", "deleted", "source_type", "external_version")


def catalogs_snapshot(listing: Listing[Catalog]) -> Snapshot:
    """All catalogs that the account sees, without their contents."""
    given = listing.things
    rows = [(one.id, one.name, one.version, one.deleted, one.source_type, one.external_version) for one in given]
    parts = (Part(catalogs, _HEAD, rows),)
    return Snapshot(CATALOGS, ids={one.id for one in given}, is_whole=listing.is_whole, parts=parts)


def contents_snapshot(read: CatalogRead) -> Snapshot:
    """The contents of a catalog; nothing if they could not be read."""
    if read.contents is None:
        return Snapshot(CATALOGS)
    catalog, (columns, items) = read.catalog, (read.contents.columns, read.contents.items)
    column_rows = [
        CatalogColumnRow(catalog.id, column_no, column.name, column.type) for column_no, column in numbered(columns)
    ]
    item_rows = [
        CatalogItemRow(catalog.id, item.id, list(item.values), item.external_id, item.deleted) for item in items
    ]
    return Snapshot(
        CATALOGS,
        parts=(
            whole_rows(catalog_columns, column_rows),
            whole_rows(catalog_items, item_rows),
            Part(catalogs, ("catalog_id", "contents_version"), [(catalog.id, catalog.version)]),
        ),
        owners=[catalog.id] if read.contents.is_whole else (),
    )
