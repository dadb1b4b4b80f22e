"""Catalogs: tables of items that form fields refer to."""

from typing import NamedTuple

from sqlalchemy import ARRAY, Boolean, Column, Table, Text

from pyrus_etl.schema.metadata import bigint, key, metadata, ordinal

catalogs = Table(
    "catalogs",
    metadata,
    key("catalog_id", "Id of the catalog."),
    Column("name", Text, comment="Name of the catalog."),
    bigint("version", "Version of the catalog as last listed: it changes with the items."),
    Column("deleted", Boolean, comment="Whether the catalog was deleted: Pyrus says so, or no longer lists it."),
    Column("source_type", Text, comment="Where the items come from, as served."),
    bigint("external_version", "Version that the source of the items has set."),
    bigint("contents_version", "Version whose columns and items are stored; null if they never could be read."),
    comment="Catalogs that API v4 lists, as last served.",
)


catalog_columns = Table(
    "catalog_columns",
    metadata,
    key("catalog_id", "Id of the catalog."),
    ordinal("column_no", "Position of the column, from 1; see catalog_items.values."),
    Column("name", Text, comment="Name of the column."),
    Column("type", Text, comment="Type of the column as served: text or workflow."),
    comment="Columns of the catalogs, as last served.",
)


class CatalogColumnRow(NamedTuple):
    catalog_id: int
    column_no: int
    name: str | None
    type: str | None


catalog_items = Table(
    "catalog_items",
    metadata,
    key("catalog_id", "Id of the catalog."),
    key("item_id", "Id of the item; see form_value_items.item_id."),
    Column("values", ARRAY(Text), comment="The item's text in each column, in the order of catalog_columns."),
    bigint("external_id", "Id of the item in its source."),
    Column("deleted", Boolean, comment="Whether the item was deleted: Pyrus says so, or the catalog no longer has it."),
    comment="Items of the catalogs, as last served.",
)


class CatalogItemRow(NamedTuple):
    catalog_id: int
    item_id: int
    values: list[str | None] | None
    external_id: int | None
    deleted: bool | None
