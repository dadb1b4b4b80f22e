"""Items of catalogs."""

from pyrus_etl.fields.family import FIRST_VALUE, ITEMS_SHOWN, ITEMS_TEXT, Family

FAMILY = Family(
    "catalog",
    ("Catalog",),
    picked=FIRST_VALUE,
    text=ITEMS_TEXT,
    shown=ITEMS_SHOWN,
    id="max(value_catalog_item_id) {only}",
)
