"""Files, and links to files elsewhere."""

from pyrus_etl.fields.family import FIRST_JSON, Family

FAMILIES = (
    Family(
        "other",
        ("Files",),
        picked=FIRST_JSON,
        text="(SELECT string_agg(name #>> '{}', ', ') FROM jsonb_path_query(value_json, '$.Files[*].Name') AS name)",
        shown="(SELECT string_agg(file ->> 'Name', ', ') FROM jsonb_path_query({}, '$.Files[*]') AS file)",
    ),
    Family(
        "other",
        ("FileUrls",),
        picked=FIRST_JSON,
        text="(SELECT string_agg(url #>> '{}', ', ') FROM jsonb_path_query(value_json, '$.FileUrls[*].Url') AS url)",
        shown="(SELECT string_agg(file ->> 'Url', ', ') FROM jsonb_path_query({}, '$.FileUrls[*]') AS file)",
    ),
)
