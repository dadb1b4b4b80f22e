"""Items of catalogs."""

from pyrus_etl.fields.family import FIRST_JSON, Family, texts_at

FAMILY = Family(
    "catalog",
    ("Catalog",),
    picked=FIRST_JSON,
    text=texts_at("$.CatalogItemValues[*]"),
    shown="(SELECT string_agg(item #>> '{{}}', ', ') FROM jsonb_path_query({}, '$.CatalogItemValues[*]') AS item)",
    id="max(value_catalog_item_id) {only}",
)
