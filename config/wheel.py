"""Puts the script that draws the page's charts into the wheel; hatchling runs this when it builds one."""

import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class ChartScript(BuildHookInterface[Any]):
    """If the script cannot be made here, the wheel is built without it, and `report` says what to install."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if version == "editable":
            return
        sys.path.insert(0, self.root)
        from pyrus_etl.reports.page.library import SCRIPT, make

        self._folder = TemporaryDirectory()
        file = Path(self._folder.name) / SCRIPT
        try:
            file.write_text(make(), "utf-8")
        except Exception as error:
            self.app.display_warning(f"The wheel is built without {SCRIPT}: {error}")
            return
        build_data["force_include"][str(file)] = f"pyrus_etl/reports/page/{SCRIPT}"

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        if version != "editable":
            self._folder.cleanup()
