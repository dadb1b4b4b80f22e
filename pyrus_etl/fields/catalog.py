"""Items of catalogs."""

from pyrus_etl.fields.family import FIRST_VALUE, ITEMS_DISPLAY, ITEMS_TEXT, Family

FAMILY = Family(
    "catalog",
    ("Catalog",),
    aggregate=FIRST_VALUE,
    text=ITEMS_TEXT,
    display=ITEMS_DISPLAY,
    id="max(value_catalog_item_id) {only}",
)
