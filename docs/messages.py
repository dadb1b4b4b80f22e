"""Writes the messages of the program into docs/troubleshooting.md: `make docs`. tests/cli/test_docs.py checks it.

`python docs/messages.py PAGE` fills the text between `<!-- messages 5 -->` and `<!-- end -->` with a table of the
errors that end with this exit code, and `<!-- messages log -->` with the warnings. They are read from the source: the
texts in the calls of our error classes, of `MAKERS` and of `log.warning`, and what `COMPOSERS` return. What is put in
at run time is shown as `…`. What to do is the end of a message, after its last semicolon; the others are below.
"""

import ast
import inspect
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from pyrus_etl import errors
from pyrus_etl.client.network.failures import LASTING_FAULTS_OF_TLS
from pyrus_etl.postgres.connection import _REFUSALS, _UNREACHABLE
from pyrus_etl.postgres.faults import _FAULTS, _USERS_CODE

PACKAGE = Path(errors.__file__).parent
LOG = "log"
CLASSES = {
    name: each
    for name, each in vars(errors).items()
    if inspect.isclass(each) and issubclass(each, errors.PyrusEtlError) and hasattr(each, "exit_code")
}
MAKERS = {"_final": "4", "Again": "4", "_of_file": "6", "UsageError": "2", "BadParameter": "2"}
"""Functions and classes whose first argument becomes a message, and its exit code; _of_file makes a FileRefused."""
COMPOSERS = {
    "_login_wanted": "4",
    "_of_certificate": "4",
    "_too_many": "4",
    "blocker_of": "5",
    "not_available": "4",
    "remedy": "5",
    "sentence": "2",
}
"""Functions that return a message."""
KNOWN = {
    "blocked": "blocker_of",
    "message": "_of_file, and the messages of AnswerLost",
    "named": "a sentence of another error",
    "number": "a signal",
    "refusal": "remedy",
    "self._lists.overfull[0].sentence": "a sentence of _lists",
    "signal.SIGINT": "a signal",
    "signal.SIGTERM": "a signal",
    "str": "a sentence of another error, or a failure",
    "unreachable": "_REFUSALS and _UNREACHABLE",
}
"""Other ways in which the argument of an error is made, and where its words are."""
BEGINNINGS = {"_of_certificate": "the certificate of … "}
"""What their callers put before it."""
OTHERWISE = "correct what the message names"
AS_IT_SAYS = "what the message says"
USUAL = {
    "Again": "try again later; if it stays, ask the administrator of that service",
    "AnswerLost": "look whether it was done before you repeat it",
    "BadParameter": "write it as the message says",
    "BodyCut": "try again",
    "BodyTooLarge": "report it to the administrator of that service",
    "BudgetSpent": "nothing; you asked for this limit",
    "CensusDoubted": "check whether the tasks are really gone, and whether the account still has its rights",
    "DataStale": "see in `pyrus-etl status` why the runs fail, or whether they still start",
    "DatabaseUnavailable": "see `pyrus-etl check` and `pyrus-etl db check`",
    "FeedRefused": "give the account the right to read the list, or leave it out",
    "FileRefused": "look at the file at its service",
    "ListRefused": "nothing, if the next run ends well; it asks in another way",
    "LockHeld": "wait for it to end",
    "LoginRefused": "see `pyrus-etl check`",
    "PyrusUnreachable": "try again later; if it stays, see `pyrus-etl check`",
    "RowsRefused": "nothing at first: every run tries it again; `pyrus-etl errors list` shows what stays",
    "SettingsError": "correct what the message names",
    "TargetUnavailable": "correct the target, or choose another",
    "TaskRefused": "nothing at first: every run tries it again; `pyrus-etl errors list` shows what stays",
    "UsageError": "write it as the message says",
    "WriteRefused": "correct the row in `pyrus.outbox` ([write-back.md](write-back.md))",
    "_final": "correct what the message names",
    "_of_file": "look at the file at its service",
    "log": "nothing; the message says what happens instead",
}
"""What to do, by the name of the error, if neither its message nor `CURES` says so."""
CURES = {
    "DATABASE_URL is not set; it names": "set it to the URL of the database to move to",
    "DATABASE_URL is set: connect": "connect to that server, or unset it for the embedded one",
    "Give --html FILE": "give one of them",
    "ONLYOFFICE attaches files": "name a task or a discussion",
    "ONLYOFFICE detaches files": "name a task or a discussion",
    "Pyrus has contents of attachments only": "name the attachment_id of a file",
    "Pyrus refuses the inbox": "nothing, unless you need `inbox_tasks`",
    "Pyrus refuses the tasks of list": "add the account to the list, or leave the list out by `--lists`",
    "The embedded database in … cannot be used": "see `server.log` in its folder, and what the message says",
    "The queue ": "check that the database can be reached, then start the worker again",
    "could not write how the run ended": "check the database; the next run closes the row of this one",
    "no access to the contacts": "give the account access to the contacts, if you need persons who are in no task",
    "task %s is set aside": "nothing at first: every run tries it again; `pyrus-etl errors list` shows what stays",
    "the budget does not suffice": "raise `--max-requests`",
    "the connection to the database was lost": "nothing; it is tried again",
    "the figures were not written": "name a file in `--metrics` that can be written",
    "the form “%s” has more fields": "read the other fields from `task_fields`",
    "%d values or characters are unreadable": "look at them in `pyrus.raw_tasks`; report it to us if they are right",
    "the stored body of task": "nothing; its rows stay as they are",
    "…: … is neither a folder nor a URL": "write it as the message shows",
    "…: … is not a whole number": "write such a number",
    "…: … is not one of": "write one of them",
}
"""What to do, by the beginning of a message that does not say so, or not clearly."""

_ASKS = re.compile(r"(.+): ((?:set|give|name) .+)")
_BLOCKS = re.compile(r"(<!-- messages (\w+) -->\n).*?(?=<!-- end -->)", re.DOTALL)
_SENTENCE = re.compile(r"(?<=[a-z)’”.…])[.] (?=[A-Z])")


class Message(NamedTuple):
    """A message, and what to do. `code`: the exit code, or `log` for a warning."""

    code: str
    what: str
    cure: str


def main() -> None:
    for page in map(Path, sys.argv[1:]):
        page.write_text(filled(page.read_text(encoding="utf-8")), encoding="utf-8")


def filled(page: str) -> str:
    """Returns the page with new tables."""
    found = sorted(set(messages()))
    return _BLOCKS.sub(lambda block: block[1] + "".join(_table(found, block[2])), page)


def _table(found: list[Message], code: str) -> Iterator[str]:
    yield "| message | what to do |\n|---|---|\n"
    for message in found:
        if message.code == code:
            yield f"| {_cell(message.what)} | {_cell(message.cure)} |\n"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;")


def messages() -> Iterator[Message]:
    """Yields every message of the package; the sandbox's are not for users."""
    for path in sorted(PACKAGE.rglob("*.py")):
        if "sandbox" not in path.parts:
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                yield from _of_node(node)
    for lasting in sorted(set(LASTING_FAULTS_OF_TLS.values())):
        yield Message("4", *_split("", f"… {lasting.format(setting='…')}"))
    for what, remedy in [*_FAULTS.values(), _USERS_CODE, *_REFUSALS.values(), _UNREACHABLE]:
        yield Message("5", f"{what}: …", remedy)


def elsewhere() -> list[str]:
    """Returns the errors whose message is made by a function that is not in COMPOSERS, and not in KNOWN either."""
    found = []
    for path in sorted(PACKAGE.rglob("*.py")):
        if "sandbox" not in path.parts:
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Call) and node.args and _name(node.func) in CLASSES:
                    argument = node.args[0]
                    made_by = _name(argument.func) if isinstance(argument, ast.Call) else ast.unparse(argument)
                    if not list(texts(argument)) and made_by not in {*COMPOSERS, *KNOWN}:
                        found.append(f"{path.relative_to(PACKAGE)}:{node.lineno}: {ast.unparse(node)}")
    return found


def unused() -> list[str]:
    """Returns the entries of CURES that no message needs."""
    used = {message.cure for message in messages()}
    return [beginning for beginning, cure in CURES.items() if cure not in used]


def _of_node(node: ast.AST) -> Iterator[Message]:
    if isinstance(node, ast.Call) and node.args:
        name = _name(node.func)
        if name == "log.warning":
            yield from _messages(LOG, LOG, node.args[0])
        elif name in CLASSES:
            yield from _messages(str(CLASSES[name].exit_code), name, node.args[0])
        elif name in MAKERS:
            yield from _messages(MAKERS[name], name, node.args[0])
    elif isinstance(node, ast.FunctionDef) and node.name in COMPOSERS:
        for inner in ast.walk(node):
            if isinstance(inner, ast.Return) and inner.value is not None:
                yield from _messages(COMPOSERS[node.name], node.name, inner.value)


def _name(function: ast.expr) -> str:
    return ast.unparse(function).removeprefix("click.")


def _messages(code: str, name: str, argument: ast.expr) -> Iterator[Message]:
    for text in texts(argument):
        if len(re.findall(r"[A-Za-z]{2,}", re.sub(r"%\w|…", "", text))) > 2:
            yield Message(code, *_split(name, text.rstrip(".")))


def texts(argument: ast.expr) -> Iterator[str]:
    """Yields the texts that an expression may have; nothing if they are made elsewhere."""
    if isinstance(argument, ast.IfExp):
        yield from (*texts(argument.body), *texts(argument.orelse))
    elif isinstance(argument, ast.BinOp) and isinstance(argument.op, ast.Add):
        yield from (left + right for left in texts(argument.left) for right in texts(argument.right))
    elif isinstance(argument, ast.JoinedStr):
        yield "".join(str(part.value) if isinstance(part, ast.Constant) else "…" for part in argument.values)
    elif isinstance(argument, ast.Constant) and isinstance(argument.value, str):
        yield argument.value


def _split(name: str, text: str) -> tuple[str, str]:
    """Returns what failed, and what to do."""
    text = BEGINNINGS.get(name, "") + text.rstrip(".;")
    what, _, cure = text.rpartition("; ")
    *sentences, last = _SENTENCE.split(text)
    for beginning, known in CURES.items():
        if text.startswith(beginning):
            return _shown(text), known
    if what:
        return _shown(what), _shown(cure) if cure.strip("…. ") else AS_IT_SAYS
    if sentences:
        return _shown(". ".join(sentences)), _shown(last) if last.strip("… ") else AS_IT_SAYS
    if asked := _ASKS.fullmatch(text):
        return _shown(asked[1]), asked[2]
    return _shown(text), USUAL.get(name, OTHERWISE)


def _shown(text: str) -> str:
    return re.sub(r"%[sdr]|%\.\df", "…", text)


if __name__ == "__main__":
    main()
