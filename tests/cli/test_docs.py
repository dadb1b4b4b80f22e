"""The documentation agrees with the program."""

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from docs import messages
from pyrus_etl.cli import COMMANDS
from pyrus_etl.reports.views import views
from pyrus_etl.schema import metadata
from pyrus_etl.settings import Secret
from tests.runs import CHECKOUT, program_environment

PAGES = [*sorted(CHECKOUT.glob("*.md")), CHECKOUT / "deploy/README.md", *sorted((CHECKOUT / "docs").glob("*.md"))]


def test_tables_are_documented_as_they_are_declared() -> None:
    made = subprocess.run([sys.executable, CHECKOUT / "docs/generate.py"], capture_output=True, text=True, check=True)

    assert (CHECKOUT / "docs/tables.md").read_text(encoding="utf-8") == made.stdout, "run make docs"
    assert sorted(re.findall(r"^### (\w+)$", made.stdout, re.MULTILINE)) == sorted(
        table.name for table in metadata.tables.values()
    )


def test_answers_in_the_docs_are_the_results_of_their_queries(empty_database: Secret, tmp_path: Path) -> None:
    pages = [CHECKOUT / "README.md", CHECKOUT / "docs/reports.md"]
    copies = [Path(shutil.copy(page, tmp_path)) for page in pages]
    environment = program_environment(None, None, EMPTY_DATABASE_URL=empty_database.reveal())
    subprocess.run([sys.executable, CHECKOUT / "docs/answers.py", *copies], env=environment, check=True)

    for page, copy in zip(pages, copies, strict=True):
        assert page.read_text(encoding="utf-8") == copy.read_text(encoding="utf-8"), "run make docs"


def test_every_message_of_ours_is_in_the_troubleshooting_with_what_to_do() -> None:
    """An error whose message is made where docs/messages.py does not look needs a line in that file."""
    page = (CHECKOUT / "docs/troubleshooting.md").read_text(encoding="utf-8")
    found = list(messages.messages())
    listed = set(re.findall(r"<!-- messages (\w+) -->", page))

    assert page == messages.filled(page), "run make docs"
    assert {message.code for message in found} == listed
    assert messages.elsewhere() == []
    assert messages.unused() == []


def test_every_report_is_asked_a_question() -> None:
    text = (CHECKOUT / "docs/reports.md").read_text(encoding="utf-8")
    asked = "".join(re.findall(r"^```sql\n(.*?)^```\n", text, re.MULTILINE | re.DOTALL))

    assert {name for name in views() if not re.search(rf"\b{name}\b", asked)} == {
        # other reports are built on these
        "field_values", "outbox_notes", "person_names", "run_accounts", "task_step_times",
        "sync_lag",  # its answer changes every day
    }  # fmt: skip


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_to_files_and_headings_that_are_there(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    links = [link for link in re.findall(r"\]\(([^)]+)\)", text) if "://" not in link]
    broken = [link for link in links if not _leads_somewhere(page, link)]

    assert broken == []


def _leads_somewhere(page: Path, link: str) -> bool:
    path, _, heading = link.partition("#")
    target = (page.parent / path).resolve() if path else page
    if not heading or not target.exists():
        return target.exists()
    headings = re.findall(r"^#+ (.+)$", target.read_text(encoding="utf-8"), re.MULTILINE)
    return heading in {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in headings}


def test_the_readme_names_every_command_and_every_page() -> None:
    text = (CHECKOUT / "README.md").read_text(encoding="utf-8")
    pages = {page.relative_to(CHECKOUT).as_posix() for page in PAGES if page.name != "README.md"}

    assert {name for name in COMMANDS if f"pyrus-etl {name}" not in text} == set()
    assert {page for page in pages if f"({page})" not in text} == set()


def test_every_dependency_is_pinned_and_explained() -> None:
    project = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())["project"]
    taken = project["dependencies"] + project["optional-dependencies"]["dev"]
    names = [re.split(r"[\[>=<]", one)[0].lower() for one in taken]
    pinned = {line.split("==")[0].lower() for line in (CHECKOUT / "config/constraints.txt").read_text().splitlines()}
    reasons = (CHECKOUT / "docs/why.md").read_text(encoding="utf-8").lower()

    assert [name for name in names if name not in pinned] == []
    assert [name for name in names if name not in reasons] == []
