"""Files, and links to files elsewhere."""

from pyrus_etl.fields.family import FIRST_VALUE, ITEMS_DISPLAY, ITEMS_TEXT, Family

FAMILIES = (
    Family("files", ("Files",), FIRST_VALUE, ITEMS_TEXT, ITEMS_DISPLAY),
    Family("links", ("FileUrls",), FIRST_VALUE, ITEMS_TEXT, ITEMS_DISPLAY),
)
