"""Items of catalogs."""

from pyrus_etl.fields.family import FIRST_JSON, Family

FAMILY = Family(
    "catalog",
    ("Catalog",),
    picked=FIRST_JSON,
    text="(SELECT string_agg(item #>> '{}', ', ') FROM jsonb_path_query(value_json, '$.CatalogItemValues[*]') AS item)",
    shown="(SELECT string_agg(item #>> '{{}}', ', ') FROM jsonb_path_query({}, '$.CatalogItemValues[*]') AS item)",
    id="max(value_catalog_item_id) {only}",
)
