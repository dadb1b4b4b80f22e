"""Writes the settings, as pyrus_etl/settings/declared.py declares them, into the files that show them: `make docs`.

`python docs/settings.py PAGE CONFIG` writes the table between `<!-- settings -->` and `<!-- end -->` in the page, and
the whole of the config file. tests/settings/test_declared.py checks that both are up to date.
"""

import re
import sys
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

from pyrus_etl.settings import SETTINGS, Setting

HEADER = """\
# All settings of pyrus-etl with their defaults. A command-line option overrides the environment variable, which
# overrides this file. Do not write secrets here: name a file that contains the secret, or set the environment variable
# ({secrets}).
"""
ACCOUNTS = """\
# Several accounts of one organisation, each with its own quota: a section for each. Then what [pyrus] says of a login
# is not used. A key that is missing here is that of [pyrus].
# [accounts.bot1]
# login = ""                  # e-mail of the person or bot to log in as
# security_key_file = ""      # file with the security key of the login
# api = ""                    # API of Pyrus: v4 or v3
# url = ""                    # origin of Pyrus; the same for all accounts
# quota = ""                  # maximum requests per period
"""
COMMENT_COLUMN = 30
_TABLE = re.compile(r"(?<=<!-- settings -->\n).*?(?=<!-- end -->)", re.DOTALL)


def config_file() -> str:
    """Returns the config file with every setting, its default and a comment."""
    secrets = ", ".join(each.environment for each in SETTINGS.values() if each.is_secret)
    tables = groupby(SETTINGS.values(), key=lambda setting: setting.key[0])
    sections = ("\n".join((f"[{table}]", *map(_entry, settings))) + "\n" for table, settings in tables)
    return "\n".join((HEADER.format(secrets=secrets), *sections, ACCOUNTS))


def _entry(setting: Setting) -> str:
    value = setting.default if setting.default.isdecimal() else f'"{setting.default}"'
    meaning = f"file with {setting.meaning}" if setting.is_secret else setting.meaning
    unset = f"; empty: {setting.unset}" if setting.unset else ""
    return f"{f'{setting.key[1]} = {value}':{COMMENT_COLUMN}}# {meaning}{unset} ({setting.variables[-1]})"


def settings_table() -> Iterator[str]:
    """Yields the rows of the table of settings."""
    yield "| environment | option | config file | meaning | default |"
    yield "|---|---|---|---|---|"
    for name, setting in SETTINGS.items():
        variables = ", ".join(f"`{variable}`" for variable in setting.variables)
        option = "" if setting.is_secret else f"`--{name.replace('_', '-')}`"
        default = f"`{setting.default}`" if setting.default else setting.unset or "none"
        yield f"| {variables} | {option} | `{'.'.join(setting.key)}` | {setting.meaning} | {default} |"


def main(page: Path, config: Path) -> None:
    table = "".join(f"{row}\n" for row in settings_table())
    page.write_text(_TABLE.sub(lambda _: table, page.read_text("utf-8")), "utf-8")
    config.write_text(config_file(), "utf-8")


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
