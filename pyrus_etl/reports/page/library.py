"""The script that draws the charts: Vega, Vega-Lite and Vega-Embed in one piece, 0.9 MB.

vl-convert creates it, and is a hundred times larger. So the wheel contains the script (config/wheel.py), and an
installation does not need vl-convert. A checkout creates the script when a page needs it.
"""

from functools import cache
from importlib.resources import files

from pyrus_etl.errors import SettingsError

VEGA_LITE = "6.4"
LICENCES = (
    "/* Vega, Vega-Lite and Vega-Embed with the libraries they need: BSD-3-Clause and ISC, https://github.com/vega */"
)
SCRIPT = "vega.js"
"""The file of the script, beside this one in a wheel."""


@cache
def library() -> str:
    """Returns the script, and keeps it for the next page. Raises SettingsError if it can neither be found nor made."""
    packed = files("pyrus_etl.reports.page").joinpath(SCRIPT)
    return packed.read_text("utf-8") if packed.is_file() else make()


def make() -> str:
    """Makes the script, in about three seconds."""
    try:
        import vl_convert
    except ModuleNotFoundError as error:
        raise SettingsError(
            "The script that draws the charts is missing; run pip install vl-convert-python, which creates it."
        ) from error
    script: str = vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;", VEGA_LITE)
    return f"{LICENCES}\n{script}"
