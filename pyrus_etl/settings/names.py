"""Finds misspelt names of settings in the environment, so that a typo does not look like a missing setting."""

import difflib
import re
from collections.abc import Iterator, Mapping

from pyrus_etl.errors import SettingsError
from pyrus_etl.settings.text import stripped

URL, URL_FILE = "DATABASE_URL", "DATABASE_URL_FILE"
_OTHERS = {"PYRUS_ETL_CLUSTER_URL", "PYRUS_ETL_CLUSTER_URL_FILE"}
"""Settings that name another database."""
_PREFIX = "PYRUS_"
_POSTGRESQL = re.compile(r"""["']?(jdbc:)?postgres(ql)?(\+\w+)?://""", re.IGNORECASE)


def refuse_lost_url(environment: Mapping[str, str]) -> None:
    """Raises SettingsError if a variable looks like a misspelt DATABASE_URL.

    Variables of other programs, such as DATABASE_HOST or MY_DATABASE_URL, are allowed.
    """
    for name, text in environment.items():
        if name not in _OTHERS and _is_misspelt(name, text):
            right = URL_FILE if _is_near(name, URL_FILE, 1) else URL
            raise SettingsError(
                f"{name} is not a setting; rename it to {right}, or remove it to use the embedded PostgreSQL."
            )


def _is_misspelt(name: str, text: str) -> bool:
    """Returns whether the variable is a misspelt DATABASE_URL.

    The less its text looks like a URL of PostgreSQL, the closer the name has to be.
    """
    value = stripped(text)
    if _POSTGRESQL.match(value) and (name.upper().startswith("PYRUS_") or _is_near(name, URL, 2)):
        return True
    other_url = "://" in value and not _POSTGRESQL.match(value)
    return bool(value) and not other_url and (_is_near(name, URL, 1) or _is_near(name, URL_FILE, 1))


def _is_near(name: str, right: str, limit: int) -> bool:
    """Returns whether the names differ by at most `limit` edits. An additional word (MY_, _TEST) makes another name."""
    name = re.sub(r"^PYRUS_(ETL_)?", "", name.upper())
    letters, rights = re.sub(r"[^A-Z]", "", name), right.replace("_", "")
    if letters == rights:
        return True
    words = [word for word in re.split(r"[^A-Z]+", name) if word]
    return len(words) <= right.count("_") + 1 and _distance(letters, rights) <= limit


def _distance(one: str, other: str) -> int:
    """Counts the letters that are missing, extra, wrong or swapped with the next (Damerau-Levenshtein distance)."""
    before: list[int] = []
    row = list(range(len(other) + 1))
    for i, a in enumerate(one, 1):
        before, last, row = row, before, [i]
        for j, b in enumerate(other, 1):
            row.append(min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (a != b)))
            if i > 1 and j > 1 and a == other[j - 2] and one[i - 2] == b:
                row[j] = min(row[j], last[j - 2] + 1)
    return row[-1]


def warnings_about(environment: Mapping[str, str], known: set[str], *, embedded: bool) -> Iterator[str]:
    """Yields a sentence for each variable that looks like a setting of ours but is not read."""
    for name, text in environment.items():
        if name not in known and stripped(text) and (advice := _advice(name, known)):
            yield f"{name} is not a setting and is ignored{advice}"
    urls = [name for name, text in environment.items() if name not in known and _POSTGRESQL.match(stripped(text))]
    if embedded and urls:
        yield f"Only {URL} is read, not {', '.join(urls)}; the embedded PostgreSQL is used."


def _advice(name: str, known: set[str]) -> str | None:
    """Returns the end of the warning about an unknown variable; None if its name does not look like one of ours."""
    is_ours = name.upper().startswith(_PREFIX)
    names = sorted(known if is_ours else known - {URL, URL_FILE})  # other programs have names near DATABASE_URL
    near = difflib.get_close_matches(name.upper(), names, n=1, cutoff=0.8 if is_ours else 0.85)
    return f"; did you mean {near[0]}?" if near else "." if is_ours else None
