"""Makes the links of the README absolute for the package page; hatchling runs this when it builds a package."""

import re
from pathlib import Path
from typing import Any

from hatchling.metadata.plugin.interface import MetadataHookInterface

RELATIVE = re.compile(r"(\]\()(?!https?:|#)([^)]+\))")


class Readme(MetadataHookInterface):
    """The README with its links in the repository of `project.urls`."""

    def update(self, metadata: dict[str, Any]) -> None:
        text = (Path(self.root) / "README.md").read_text("utf-8")
        source = metadata["urls"]["Source"].rstrip("/")
        metadata["readme"] = {"content-type": "text/markdown", "text": absolute(text, f"{source}/blob/main/")}


def absolute(text: str, base: str) -> str:
    """The text with the address of the repository in front of each relative link."""
    return RELATIVE.sub(rf"\g<1>{base}\g<2>", text)
