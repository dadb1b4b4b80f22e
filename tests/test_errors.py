"""The tree in the docstring of `errors` shows every class, and every error has an exit code."""

import re
from pathlib import Path

from pyrus_etl import errors
from pyrus_etl.errors import PyrusEtlError


def family(parent: type[PyrusEtlError]) -> list[type[PyrusEtlError]]:
    return [parent, *(each for child in parent.__subclasses__() for each in family(child))]


def test_every_error_has_an_exit_code_and_none_is_1() -> None:
    codes = {error.__name__: getattr(error, "exit_code", None) for error in family(PyrusEtlError)}

    assert {name for name, code in codes.items() if code is None} == {"PyrusEtlError", "StoppedEarly", "Stopped"}
    assert 1 not in codes.values()
    assert errors.Stopped(2).exit_code == 130


def test_the_tree_names_every_error_with_its_exit_code() -> None:
    drawn = dict(re.findall(r"^[│├└─ ]*(\w+) *(\d*)", errors.__doc__ or "", re.MULTILINE))
    codes = {error.__name__: str(getattr(error, "exit_code", "")) for error in family(PyrusEtlError)}

    assert codes.items() <= (drawn | {"Stopped": ""}).items()


def test_no_code_reads_what_python_hangs_on_an_exception() -> None:
    """Whoever catches an error finds what it needs in the error's own attributes."""
    inside = re.compile(r"__cause__|__context__|__notes__|\.add_note\(")
    files = Path(errors.__file__).parent.rglob("*.py")

    assert [str(file) for file in files if inside.search(file.read_text("utf-8"))] == []
