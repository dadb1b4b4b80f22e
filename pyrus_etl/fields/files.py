"""Files, and links to files elsewhere."""

from pyrus_etl.fields.family import FIRST_JSON, Family, texts_at

FAMILIES = (
    Family(
        "other",
        ("Files",),
        picked=FIRST_JSON,
        text=texts_at("$.Files[*].Name"),
        shown="(SELECT string_agg(file ->> 'Name', ', ') FROM jsonb_path_query({}, '$.Files[*]') AS file)",
    ),
    Family(
        "other",
        ("FileUrls",),
        picked=FIRST_JSON,
        text=texts_at("$.FileUrls[*].Url"),
        shown="(SELECT string_agg(file ->> 'Url', ', ') FROM jsonb_path_query({}, '$.FileUrls[*]') AS file)",
    ),
)
