"""Everybody can read the page: axe-core's checks in a real browser, and the contrast of texts in charts.

`make test` downloads axe-core if npm is there (MPL-2.0; it is not part of the repository).
https://github.com/dequelabs/axe-core/blob/develop/doc/API.md
"""

import hashlib
from pathlib import Path

import pytest

from pyrus_etl.reports.page.assemble import page
from pyrus_etl.reports.page.figures import Figures, figures
from tests.page.browser import Browser
from tests.reports.conftest import Reports
from tests.runs import CHECKOUT
from tests.services import need

AXE = CHECKOUT / ".venv/axe-core@4.14.1/node_modules/axe-core/axe.min.js"
SHA256 = "29348999450cdf2849a8e70b7912fc2da85a849da39c0d0d5394f51d4a9ed95c"
"""The Makefile names the same version."""
UNFOLD = "document.querySelectorAll('details').forEach((each) => { each.open = true; })"
CHECK = """
    axe.run(document).then(({ violations, incomplete, passes }) => {
        const found = (rules) => rules.flatMap(({ id, nodes }) => nodes.map((node) => ({ id, ...node })));
        const shown = ({ target }) => !document.querySelector(target[0]).closest('svg, details .scroll');
        const described = ({ id, html, failureSummary }) => [id, html, failureSummary];
        return {
            violations: found(violations).map(described),
            undecided: found(incomplete).filter(shown).map(described),
            passes: passes.length,
        };
    })
"""
"""axe cannot decide on the contrast of rows that are scrolled out of sight, nor of texts in SVG; see CONTRASTS."""
CONTRASTS = """
    [...document.querySelectorAll('svg text')].filter((text) => text.textContent.trim()).map((text) => {
        const colour = (value) => {
            const found = new axe.commons.color.Color();
            found.parseString(value);
            return found;
        };
        const ground = getComputedStyle(text.closest('section')).backgroundColor;
        return axe.commons.color.getContrast(colour(ground), colour(getComputedStyle(text).fill));
    })
"""
ENOUGH = 4.5
"""https://www.w3.org/TR/WCAG22/#contrast-minimum"""


@pytest.fixture
def checked(browser: Browser) -> Browser:
    """The browser; its pages can be checked by `check`."""
    need("axe", AXE.exists())
    browser.complaints.clear()
    return browser


def check(browser: Browser, path: Path) -> list[float]:
    """Fails if axe finds anything wrong with the page; returns the contrasts of the texts in its charts."""
    script = AXE.read_bytes()
    assert hashlib.sha256(script).hexdigest() == SHA256
    browser.open(path)
    browser.evaluate(f"{UNFOLD}; {script.decode()}; true")
    found = browser.evaluate(CHECK)

    assert found["violations"] == []
    assert found["undecided"] == []
    assert found["passes"] > 15
    assert browser.complaints == []
    contrasts: list[float] = browser.evaluate(CONTRASTS)
    return contrasts


@pytest.mark.parametrize(
    ("language", "dark", "width"), [("en", False, 1280), ("ru", False, 390), ("en", True, 390), ("ru", True, 1280)]
)
def test_the_page_passes_the_checks_of_axe(
    checked: Browser, computed: Figures, tmp_path: Path, language: str, dark: bool, width: int
) -> None:
    (tmp_path / "page.html").write_text(page(computed, language), encoding="utf-8")
    checked.look_like(width=width, dark=dark)
    contrasts = check(checked, tmp_path / "page.html")

    assert len(contrasts) > 50
    assert min(contrasts) >= ENOUGH
    assert checked.evaluate("document.documentElement.lang") == language


def test_a_page_without_tasks_passes_too(checked: Browser, reports: Reports, tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text(page(figures(reports.connection)), encoding="utf-8")
    checked.look_like()

    assert check(checked, tmp_path / "page.html") == []
