"""A setting is declared once: its option, its line in the config file and its row in docs/settings.md come from it."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import click
import pytest

from pyrus_etl.cli import cli
from pyrus_etl.errors import SettingsError
from pyrus_etl.settings import SETTINGS, Quota, Settings, load_settings
from tests.runs import CHECKOUT


def options(command: click.Command) -> set[tuple[str, str]]:
    """The name and the help of every option of a command and of the commands in it."""
    found = {(each.opts[0], each.help or "") for each in command.params if isinstance(each, click.Option)}
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            found |= options(command.get_command(context, name) or command)
    return found


@pytest.mark.parametrize("name", SETTINGS)
def test_a_setting_is_an_option_with_its_variable_and_default_unless_it_is_a_secret(name: str) -> None:
    setting, option = SETTINGS[name], f"--{name.replace('_', '-')}"
    default = f"; default: {setting.default or setting.unset}" if setting.default or setting.unset else ""
    sources = f"  [env: {setting.environment}{default}]"
    helps = {text for each, text in options(cli) if each == option and "[env:" in text}

    assert all(text.endswith(sources) for text in helps)
    assert len(helps) == (0 if setting.is_secret else 1)


def test_the_config_file_and_the_page_show_the_settings_as_they_are_declared(tmp_path: Path) -> None:
    page, config = CHECKOUT / "docs/settings.md", CHECKOUT / "config/pyrus_etl.toml"
    copies = [shutil.copy(page, tmp_path), shutil.copy(config, tmp_path)]
    subprocess.run([sys.executable, CHECKOUT / "docs/settings.py", *copies], check=True)

    assert page.read_text("utf-8") == Path(copies[0]).read_text("utf-8"), "run make docs"
    assert config.read_text("utf-8") == Path(copies[1]).read_text("utf-8"), "run make docs"


def test_the_config_file_lists_every_setting_with_its_default_and_a_comment() -> None:
    text = (CHECKOUT / "config/pyrus_etl.toml").read_text("utf-8")
    keys = set(re.findall(r"^(\w+) = .* # \w.*$", text, re.MULTILINE))

    assert keys == {setting.key[1] for setting in SETTINGS.values()}
    assert load_settings({}, {}, str(CHECKOUT / "config/pyrus_etl.toml")) == Settings()


def test_settings_made_in_code_have_the_defaults_that_are_read() -> None:
    assert Settings() == load_settings({}, {})
    assert Settings(quota=Quota(10, 1)).concurrency == 16


def test_settings_made_in_code_send_no_token_unencrypted() -> None:
    with pytest.raises(SettingsError, match="plain http would send the token unencrypted"):
        Settings(url="http://pyrus.example")


def test_an_error_names_the_option_the_variable_or_the_file_with_its_key(tmp_path: Path) -> None:
    config = tmp_path / "some.toml"
    config.write_text("[pyrus]\nquota = '5000'\n", encoding="utf-8")
    key = tmp_path / "nowhere"

    for sources, place in (
        (({"quota": "5000"}, {}), "option --quota"),
        (({}, {"PYRUS_ETL_QUOTA": "5000"}), "PYRUS_ETL_QUOTA"),
        (({}, {}, str(config)), f"pyrus.quota in {config}"),
    ):
        with pytest.raises(SettingsError, match=f"^{place}: '5000' is not a quota; write requests per period like"):
            load_settings(*sources)
    with pytest.raises(SettingsError, match=f"^PYRUS_SECURITY_KEY_FILE: the file {key} cannot be read"):
        load_settings({}, {"PYRUS_SECURITY_KEY_FILE": str(key)})


def test_a_secret_is_not_read_from_an_option() -> None:
    assert load_settings({"security_key": "canary", "database_url": "postgresql://h/d"}, {}) == Settings()


def test_an_unknown_key_of_the_config_file_is_refused_with_the_key_that_was_meant(tmp_path: Path) -> None:
    config = tmp_path / "some.toml"
    config.write_text("[pyrus]\nquotas = '5000/600s'\n", encoding="utf-8")

    with pytest.raises(SettingsError, match=r"unknown key 'pyrus\.quotas'; did you mean pyrus\.quota\? The known keys"):
        load_settings({}, {}, str(config))
