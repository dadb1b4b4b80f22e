"""Several accounts: the sections [accounts.NAME] of the config file."""

from collections.abc import Callable
from pathlib import Path

import pytest

from pyrus_etl.errors import SettingsError
from pyrus_etl.settings import Quota, Settings, load_settings
from pyrus_etl.settings.accounts import chosen

TWO = """
[pyrus]
url = "https://pyrus.example"
quota = "100/60s"
[accounts.ann]
login = "ann@x.example"
security_key_file = "KEYS/ann"
quota = "50/60s"
[accounts.bob]
login = "bob@x.example"
security_key_file = "KEYS/bob"
api = "v3"
"""
Load = Callable[..., Settings]


@pytest.fixture
def load(tmp_path: Path) -> Load:
    """`load(text, changes of it, options, environment)`: the settings of a config file with these accounts."""
    for name in ("ann", "bob"):
        (tmp_path / name).write_text(f"key of {name}\n", encoding="utf-8")
        (tmp_path / name).chmod(0o600)

    def loaded(text: str = TWO, changes: dict[str, str] | None = None, *more: dict[str, str]) -> Settings:
        for old, new in (changes or {}).items():
            assert old in text
            text = text.replace(old, new)
        file = tmp_path / "some.toml"
        file.write_text(text.replace("KEYS", str(tmp_path)), encoding="utf-8")
        options, environment = [*more, {}, {}][:2]
        return load_settings(options, environment, str(file))

    return loaded


def shown(settings: Settings) -> list[tuple[object, ...]]:
    each = [settings.of(account) for account in settings.accounts]
    return [(one.account, one.login, one.api, one.url, one.quota) for one in each]


def test_each_section_is_an_account_and_has_the_other_settings_from_pyrus(load: Load) -> None:
    settings = load()

    assert shown(settings) == [
        ("ann", "ann@x.example", None, "https://pyrus.example", Quota(50, 60)),
        ("bob", "bob@x.example", "v3", "https://pyrus.example", Quota(100, 60)),
    ]
    keys = [settings.of(account).security_key for account in settings.accounts]
    assert [key and key.reveal() for key in keys] == ["key of ann", "key of bob"]
    assert "key of" not in repr(settings)


def test_options_and_variables_win_over_sections(load: Load) -> None:
    settings = load(TWO, {}, {"quota": "7/1s"}, {"PYRUS_API": "v4", "PYRUS_URL": "https://other.example"})

    assert [one[2:] for one in shown(settings)] == [("v4", "https://other.example", Quota(7, 1))] * 2


def test_the_login_of_the_environment_is_not_used_beside_accounts(load: Load) -> None:
    settings = load(TWO, {}, {}, {"PYRUS_LOGIN": "carol@x.example", "PYRUS_ACCESS_TOKEN": "t"})

    assert [one[1] for one in shown(settings)] == ["ann@x.example", "bob@x.example"]
    assert settings.of(settings.accounts[0]).access_token is None
    assert [warning.partition(",")[0] for warning in settings.warnings] == [
        "PYRUS_LOGIN is not used",
        "PYRUS_ACCESS_TOKEN is not used",
    ]


def test_a_name_chooses_one_account(load: Load) -> None:
    settings = load()

    assert [account.name for account in chosen(settings.accounts, "bob")] == ["bob"]
    assert [account.name for account in chosen(settings.accounts, None)] == ["ann", "bob"]
    assert settings.of_account("ann").login == "ann@x.example"
    with pytest.raises(SettingsError, match=r"There is no account 'carol'; name one of ann, bob\."):
        settings.of_account("carol")
    with pytest.raises(SettingsError, match=r"Several accounts are set; name one of ann, bob\."):
        settings.of_account(None)


def test_without_sections_the_settings_name_the_one_account() -> None:
    settings = load_settings({}, {"PYRUS_LOGIN": "ann@x.example"})

    assert settings.of_account(None) == settings
    assert chosen(settings.accounts, None) == ()
    with pytest.raises(SettingsError, match=r"There is no account 'ann'; add a section \[accounts.NAME\] to the"):
        settings.of_account("ann")


def test_a_missing_key_file_is_a_fault_of_its_account_only(load: Load) -> None:
    settings = load(TWO, {"KEYS/bob": "KEYS/nobody"})

    ann, bob = settings.accounts
    assert settings.of(ann).login == "ann@x.example"
    with pytest.raises(SettingsError, match=r"accounts.bob.security_key_file in .*/nobody cannot be read: No such"):
        settings.of(bob)


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({'security_key_file = "KEYS/ann"\n': ""}, r"The account ann has no key; name the file with its security key"),
        ({'login = "ann@x.example"\n': ""}, r"The account ann has no login; set accounts.ann.login in .*some.toml"),
        ({"bob@x": "Ann@x"}, r"The accounts ann and bob have the same login; remove one of the two sections"),
        (
            {'api = "v3"': 'url = "https://b.example"'},
            r"The accounts ann and bob have two URLs, https://pyrus.example and https://b.example; a database",
        ),
        ({"50/60s": "many"}, r"accounts.ann.quota in .*some.toml: 'many' is not a quota"),
        ({'api = "v3"': "concurrency = 3"}, r"unknown key 'accounts.bob.concurrency'"),
        ({"[accounts.ann]": '[accounts."a b"]'}, r"has an account named 'a b'; use letters, digits"),
        ({"[accounts.ann]": "[accounts]"}, r"has a key in \[accounts\]; write a section \[accounts.NAME\] for each"),
    ],
    ids=["no key", "no login", "one login twice", "two organisations", "quota", "unknown key", "name", "no name"],
)
def test_what_is_wrong_with_a_section_is_a_sentence(load: Load, changes: dict[str, str], error: str) -> None:
    with pytest.raises(SettingsError, match=error):
        load(TWO, changes)


def test_an_option_for_the_login_is_refused_beside_accounts(load: Load) -> None:
    with pytest.raises(SettingsError, match=r"--login: the config file names the accounts; choose one of ann, bob by"):
        load(TWO, {}, {"login": "carol@x.example"})
