"""Settings: their sources, and which source has precedence."""

from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from pyrus_etl.errors import SettingsError
from pyrus_etl.settings import Quota, load_settings, parse_duration, parse_quota
from tests.runs import CHECKOUT

SHIPPED = str(CHECKOUT / "config" / "pyrus_etl.toml")


@pytest.fixture
def config(tmp_path: Path) -> str:
    file = tmp_path / "some.toml"
    file.write_text("[pyrus]\nconcurrency = 3\n[sync]\noverlap = '1h'\n", encoding="utf-8")
    return str(file)


def test_an_option_wins_over_the_environment_and_that_over_the_file_and_that_over_the_default(config: str) -> None:
    default = load_settings({}, {})
    from_file = load_settings({}, {"PYRUS_ETL_CONFIG": config})
    from_environment = load_settings({}, {"PYRUS_ETL_CONCURRENCY": "5"}, config)
    from_option = load_settings({"concurrency": "7"}, {"PYRUS_ETL_CONCURRENCY": "5"}, config)

    assert [each.concurrency for each in (default, from_file, from_environment, from_option)] == [16, 3, 5, 7]
    assert from_option.overlap == timedelta(hours=1)


def test_the_config_file_in_the_working_folder_is_read(tmp_path: Path) -> None:
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "pyrus_etl.toml").write_text("[pyrus]\nconcurrency = 9\n", encoding="utf-8")

    found = load_settings({}, {})
    assert (found.concurrency, found.found_config) == (9, "config/pyrus_etl.toml")
    assert load_settings({}, {"PYRUS_ETL_CONFIG": "config/pyrus_etl.toml"}).found_config == ""


def test_the_shipped_file_says_the_defaults() -> None:
    assert repr(load_settings({}, {}, SHIPPED)) == repr(load_settings({}, {}))


def test_an_empty_variable_is_not_set() -> None:
    settings = load_settings({}, {"PYRUS_LOGIN": " ", "PYRUS_ETL_QUOTA": "", "PYRUS_SECURITY_KEY_FILE": ""})

    assert (settings.login, settings.quota, settings.security_key) == (None, Quota(5000, 600), None)


def test_a_secret_comes_from_the_variable_or_from_the_file_that_it_names(tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text("from the file\n", encoding="utf-8")
    named = {"PYRUS_SECURITY_KEY_FILE": str(file)}
    of_file = load_settings({}, named).security_key
    of_variable = load_settings({}, {**named, "PYRUS_SECURITY_KEY": "from the variable"}).security_key

    assert of_file
    assert of_file.reveal() == "from the file"
    assert of_variable
    assert of_variable.reveal() == "from the variable"


def test_the_file_of_a_secret_is_read_only_if_nothing_overrides_it(tmp_path: Path) -> None:
    config = tmp_path / "some.toml"
    config.write_text("[pyrus]\nsecurity_key_file = '/nowhere'\n", encoding="utf-8")
    environment = {"PYRUS_SECURITY_KEY": "key", "PYRUS_SECURITY_KEY_FILE": "/nowhere", "PYRUS_ETL_CONFIG": str(config)}
    key = load_settings({}, environment).security_key

    assert key
    assert key.reveal() == "key"


@pytest.mark.parametrize("text", ["ab\ncd", "a\0", "a\x7f", "a\udcff"])
@pytest.mark.parametrize("name", ["PYRUS_ACCESS_TOKEN", "PYRUS_LOGIN", "DATABASE_URL"])
def test_a_setting_is_one_line_of_text(name: str, text: str) -> None:
    with pytest.raises(SettingsError, match=rf"{name} contains (U\+00|the byte 0xFF).* at character (2|3)"):
        load_settings({}, {name: text})


@pytest.mark.parametrize("name", ["PYRUS_ETL_CONCURRENCY", "PYRUS_ETL_QUOTA"])
def test_a_number_of_thousands_of_digits_is_refused(name: str) -> None:
    with pytest.raises(SettingsError, match=f"{name}: '9999"):
        load_settings({}, {name: "9" * 5000 + ("/1s" if name == "PYRUS_ETL_QUOTA" else "")})


def test_secrets_are_in_no_repr() -> None:
    secrets = {
        "PYRUS_SECURITY_KEY": "canary",
        "PYRUS_ACCESS_TOKEN": "canary",
        "DATABASE_URL": "postgresql://u:canary@h/d",
    }

    assert "canary" not in repr(load_settings({}, secrets))


@pytest.mark.parametrize("prefix", ["postgresql://", "postgresql+psycopg://", "postgres://"])
def test_a_database_url_is_taken_as_libpq_or_sqlalchemy_write_it(prefix: str) -> None:
    url = load_settings({}, {"DATABASE_URL": f"{prefix}u@h:5433/d?sslmode=require"}).database_url

    assert url
    assert url.reveal() == "postgresql://u@h:5433/d?sslmode=require"


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("https://pyrus.com/", "https://pyrus.com"),
        ("https://etl.example:8443", "https://etl.example:8443"),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
        ("http://localhost", "http://localhost"),
        ("http://[::1]:80", "http://[::1]:80"),
    ],
)
def test_an_origin_is_https_or_this_machine(url: str, origin: str) -> None:
    assert load_settings({}, {"PYRUS_URL": url}).url == origin


@pytest.mark.parametrize(
    "url",
    ["http://pyrus.com", "http://127.0.0.1.example", "http://localhost.example", "pyrus.com", "ftp://pyrus.com",
     "https://pyrus.com/restapi", "https://user@pyrus.com", "https://", "https://pyrus.com?x=1"],
)  # fmt: skip
def test_anything_else_is_refused(url: str) -> None:
    with pytest.raises(SettingsError, match="PYRUS_URL"):
        load_settings({}, {"PYRUS_URL": url})


@pytest.mark.parametrize(
    ("text", "seconds"), [("90s", 90), ("30m", 1800), ("1h30m", 5400), ("2d", 172800), ("0.5s", 0.5)]
)
def test_durations(text: str, seconds: float) -> None:
    assert parse_duration(text).total_seconds() == pytest.approx(seconds)


@pytest.mark.parametrize("text", ["", "30", "m", "1w", "-5m", "1h 30m", "9" * 400 + "d"])
def test_an_invalid_duration_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(SettingsError, match=r"where: .*(30m|longer)"):
        parse_duration(text, "where")


@pytest.mark.parametrize("text", ["5000", "0/600s", "5000/0s", "x/600s", "5000/600", "/", "-1/5s"])
def test_an_invalid_quota_is_refused(text: str) -> None:
    with pytest.raises(SettingsError):
        parse_quota(text)


def test_a_secret_that_every_user_can_read_is_warned_about() -> None:
    """Not if a folder above it keeps them out."""
    with TemporaryDirectory(dir="/var/tmp") as name:
        folder = Path(name)
        key = folder / "key"
        key.write_text("canary", encoding="utf-8")

        def warnings(of_folder: int, of_key: int) -> tuple[str, ...]:
            folder.chmod(of_folder)
            key.chmod(of_key)
            return load_settings({}, {"PYRUS_SECURITY_KEY_FILE": str(key)}).warnings

        assert warnings(0o755, 0o600) == warnings(0o755, 0o640) == warnings(0o700, 0o644) == ()
        assert warnings(0o755, 0o644) == (
            f"PYRUS_SECURITY_KEY_FILE: every user of this machine can read {key}; run chmod 600 {key}.",
        )


def test_a_program_may_give_a_number_and_a_misspelt_option_is_refused() -> None:
    assert load_settings({"concurrency": 4}, {}).concurrency == 4
    with pytest.raises(SettingsError, match="The option 'concurency' is unknown"):
        load_settings({"concurency": "4"}, {})
