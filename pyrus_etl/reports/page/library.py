"""The script that draws the charts: Vega, Vega-Lite and Vega-Embed in one piece, 0.9 MB.

vl-convert creates it, and is a hundred times larger. So the wheel contains the script (config/wheel.py), and an
installation does not need vl-convert. A checkout creates the script when a page needs it, in a process of its own:
vl-convert holds the interpreter's lock for seconds, and nothing else happens in its process meanwhile.
"""

import subprocess
import sys
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
    return packed.read_text("utf-8") if packed.is_file() else _made_apart()


def _made_apart() -> str:
    made = subprocess.run([sys.executable, "-X", "utf8", "-m", __name__], capture_output=True, check=False)
    if made.returncode:
        reason = made.stderr.decode(errors="replace").strip().rpartition("\n")[2]
        raise SettingsError(
            f"The script that draws the charts is missing, and cannot be made: {reason}; "
            "run pip install --force-reinstall vl-convert-python."
        )
    return made.stdout.decode()


def make() -> str:
    """Makes the script, in about three seconds."""
    import vl_convert  # only a checkout needs it

    script: str = vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;", VEGA_LITE)
    return f"{LICENCES}\n{script}"


if __name__ == "__main__":
    sys.stdout.buffer.write(make().encode())
