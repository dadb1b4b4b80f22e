"""The files in deploy/, and the commands that the documentation shows, fit the program."""

import json
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from pyrus_etl.cli import cli
from pyrus_etl.settings.declared import VARIABLES
from tests.runs import CHECKOUT

FILES = sorted(file for file in (CHECKOUT / "deploy").rglob("*") if file.is_file() and file.suffix != ".zip")
PAGES = [*sorted(CHECKOUT.glob("*.md")), *sorted((CHECKOUT / "docs").glob("*.md"))]
LISTS = re.compile(r"^\s*(?:args:|command:|CMD) *\[(.+)\]$", re.MULTILINE)
LINES = re.compile(r"(?:^|[\s/])pyrus-etl ([a-z].*)$", re.MULTILINE)
BLOCKS = re.compile(r"^```(?:bash)?\n(.*?)^```", re.MULTILINE | re.DOTALL)


def commands(file: Path) -> Iterator[list[str]]:
    """The command lines of the program in a file; of a page, those in its blocks of commands."""
    text = file.read_text("utf-8")
    if file.suffix == ".md":
        text = "".join(BLOCKS.findall(text))
    yield from (_words(inside) for inside in LISTS.findall(text))
    for line in LINES.findall(re.sub(r"\\\n\s*", "", text)):
        yield from _of_shell(line)


def _words(inside: str) -> list[str]:
    return [json.loads(word) if word.startswith('"') else word for word in re.split(r", *", inside)]


def _of_shell(line: str) -> Iterator[list[str]]:
    """The words up to the end of the command; nothing if the line is not one, as in a drawing or a sentence."""
    words = shlex.shlex(re.sub(r"\s─{3,}$", "", line), posix=True, punctuation_chars="&|;<>()")
    words.whitespace_split = True
    found: list[str] = []
    for word in words:
        if set(word) <= set("&|;<>()"):
            break
        found.append(word)
    if found and found[0] in cli.list_commands(click.Context(cli)):
        yield found


def parse(arguments: list[str]) -> None:
    """Parses a command line as the program does, and does not carry it out; raises click.UsageError."""
    command: click.Command = cli
    parent = click.Context(cli, info_name="pyrus-etl")
    while isinstance(command, click.Group):
        name, found, arguments = command.resolve_command(parent, arguments)
        assert found is not None
        command = found
        if isinstance(command, click.Group):
            parent = click.Context(command, info_name=name, parent=parent)
    command.make_context(command.name, list(arguments), parent=parent)


@pytest.mark.parametrize("file", [*FILES, *PAGES], ids=lambda file: str(file.relative_to(CHECKOUT)))
def test_each_command_line_is_one_that_the_program_takes(file: Path) -> None:
    wrong = []
    for arguments in commands(file):
        try:
            parse(arguments)
        except click.ClickException as error:
            wrong.append(f"{shlex.join(arguments)}: {error.format_message()}")

    assert wrong == []


def test_they_run_what_they_are_for() -> None:
    found = {file.name: [" ".join(each[:2]) for each in commands(file)] for file in FILES if file.suffix != ".md"}

    assert {name: each for name, each in found.items() if each} == {
        "Dockerfile": ["serve --listen"],
        "compose.yaml": ["db upgrade", "serve --listen"],
        "cronjob.yaml": ["sync --refresh"],
        "upgrade.yaml": ["db upgrade"],
        "pyrus-etl.service": ["sync --refresh"],
        "pyrus-etl-serve.service": ["serve --listen"],
        "pyrus-etl-worker.service": ["worker --listen"],
    }


def test_a_wrong_command_line_is_noticed() -> None:
    with pytest.raises(click.UsageError):
        parse(["sync", "--refresh-all"])
    with pytest.raises(click.UsageError):
        parse(["db", "updrade"])


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_each_variable_is_a_setting(file: Path) -> None:
    named = set(re.findall(r"\b(?:PYRUS_[A-Z_]+|DATABASE_URL(?:_FILE)?)\b", file.read_text("utf-8")))

    assert named - VARIABLES == set()
