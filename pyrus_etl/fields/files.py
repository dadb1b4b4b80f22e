"""Files, and links to files elsewhere."""

from pyrus_etl.fields.family import FIRST_VALUE, ITEMS_SHOWN, ITEMS_TEXT, Family

FAMILIES = (
    Family("files", ("Files",), FIRST_VALUE, ITEMS_TEXT, ITEMS_SHOWN),
    Family("links", ("FileUrls",), FIRST_VALUE, ITEMS_TEXT, ITEMS_SHOWN),
)
