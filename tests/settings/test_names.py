"""A misspelt setting is not a missing one: no run uses another database than the intended one."""

from pathlib import Path

import pytest

from pyrus_etl.errors import SettingsError
from pyrus_etl.settings import load_settings

URL = "postgresql://etl:canary@db.example/pyrus"


@pytest.mark.parametrize("name", ["DATABASE_URL", "DATABASE_URL_FILE"])
@pytest.mark.parametrize("text", ["", " ", "\ufeff", "\r\n"])
def test_an_empty_database_url_is_refused(name: str, text: str) -> None:
    with pytest.raises(SettingsError, match=rf"^{name} .* remove it to use the embedded PostgreSQL"):
        load_settings({}, {name: text})


def test_a_file_that_holds_an_empty_database_url_is_refused(tmp_path: Path) -> None:
    file, config = tmp_path / "url", tmp_path / "config.toml"
    file.write_text("\n", encoding="utf-8")
    config.write_text(f"[database]\nurl_file = '{file}'\n", encoding="utf-8")

    with pytest.raises(SettingsError, match=r"^DATABASE_URL_FILE gives an empty URL"):
        load_settings({}, {"DATABASE_URL_FILE": str(file)})
    with pytest.raises(SettingsError, match=rf"^database\.url_file in {config} gives an empty URL"):
        load_settings({}, {}, str(config))


def test_an_empty_variable_beside_a_file_with_the_url_does_no_harm(tmp_path: Path) -> None:
    file = tmp_path / "url"
    file.write_text(f"{URL}\n", encoding="utf-8")

    assert load_settings({}, {"DATABASE_URL": "", "DATABASE_URL_FILE": str(file)}).database_url


@pytest.mark.parametrize(
    "name",
    ["DATABSE_URL", "DATABASE_URl", "database_url", "DATABASE_ULR", "DATABASE_URI", "DATABASE_URLS", "DATABASEURL",
     "DATA_BASE_URL", "DATABASE_UR", "DTABASE_URL", "DATABASE__URL", "PYRUS_DATABASE_URL", "PYRUS_ETL_DATABASE_URL",
     "PYRUS_DB", "PYRUS_ETL_DSN"],
)  # fmt: skip
def test_a_misspelt_database_url_is_refused_by_its_name(name: str) -> None:
    with pytest.raises(SettingsError, match=f"^{name} is not a setting; rename it to DATABASE_URL,") as raised:
        load_settings({}, {name: URL})

    assert "canary" not in str(raised.value)


@pytest.mark.parametrize(
    "name",
    [
        "DATABSE_URL_FILE",
        "DATABASE_URI_FILE",
        "DATABASE_URL_FIEL",
        "database_url_file",
        "DATABASE_URL_FIL",
        "PYRUS_DATABASE_URL_FILE",
        "PYRUS_ETL_DATABASE_URL_FILE",
    ],
)
def test_a_misspelt_file_of_the_database_url_is_refused_too(name: str) -> None:
    with pytest.raises(SettingsError, match=f"^{name} is not a setting; rename it to DATABASE_URL_FILE,"):
        load_settings({}, {name: "/run/secrets/url"})


@pytest.mark.parametrize("name", ["DATABSE_URL", "database_url", "PYRUS_DATABASE_URL", "DATABASE_URI"])
@pytest.mark.parametrize("text", ["db.example/pyrus", "'postgresql://h/d'", "host=db.example", "jdbc:postgresql://h/d"])
def test_a_misspelt_name_is_refused_unless_it_has_the_url_of_another_database(name: str, text: str) -> None:
    with pytest.raises(SettingsError, match=f"^{name} is not a setting"):
        load_settings({}, {name: text})


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("DATABASE_HOST", "db.example"),
        ("DATABASE_USER", "etl"),
        ("DATABASE_USR", "etl"),
        ("DATABASE_USER_FILE", "/run/secrets/user"),
        ("DATABASE_URI", "mysql://db.example/shop"),
        ("DATABSE_URL", ""),
        ("DB_PORT", "5432"),
        ("PGHOST", "db.example"),
    ],
)
def test_variables_of_other_programs_do_not_stop_us(name: str, text: str) -> None:
    settings = load_settings({}, {name: text})

    assert (settings.database_url, settings.warnings) == (None, ())


@pytest.mark.parametrize("name", ["PG_URL", "POSTGRES_URL", "DB_URL", "MY_DATABASE_URL", "TEST_DATABASE_URL", "DSN"])
def test_another_variable_with_a_url_of_postgresql_is_warned_of_if_the_embedded_one_is_used(name: str) -> None:
    (warning,) = load_settings({}, {name: URL}).warnings

    assert warning == f"Only DATABASE_URL is read, not {name}; the embedded PostgreSQL is used."
    assert "canary" not in warning
    assert load_settings({}, {name: URL, "DATABASE_URL": URL}).warnings == ()


@pytest.mark.parametrize(
    ("name", "rest"),
    [
        ("PYRUS_LOGN", "; did you mean PYRUS_LOGIN?"),
        ("PYRUS_SECURTY_KEY", "; did you mean PYRUS_SECURITY_KEY?"),
        ("PYRUS_ACCES_TOKEN_FILE", "; did you mean PYRUS_ACCESS_TOKEN_FILE?"),
        ("pyrus_url", "; did you mean PYRUS_URL?"),
        ("PYRUS_CONCURRENCY", "; did you mean PYRUS_ETL_CONCURRENCY?"),
        ("PYRUS_SOMETHING_ELSE", "."),
    ],
)
def test_a_variable_of_ours_that_is_not_known_is_warned_of(name: str, rest: str) -> None:
    assert load_settings({}, {name: "canary"}).warnings == (f"{name} is not a setting and is ignored{rest}",)


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("PYRS_LOGIN", "PYRUS_LOGIN"),
        ("PRYUS_CLIENT_ID", "PYRUS_CLIENT_ID"),
        ("PYRUSETL_QUOTA", "PYRUS_ETL_QUOTA"),
        ("PYRUS_ETL_QUOTAS", "PYRUS_ETL_QUOTA"),
    ],
)
def test_a_name_near_ours_is_warned_of_with_the_name_that_was_meant(name: str, meant: str) -> None:
    (warning,) = load_settings({}, {name: "canary"}).warnings

    assert warning == f"{name} is not a setting and is ignored; did you mean {meant}?"


def test_a_misspelt_name_beside_the_right_one_is_warned_of() -> None:
    (warning,) = load_settings({}, {"PYRUS_DATABASE_URL": URL, "DATABASE_URL": URL}).warnings

    assert warning == "PYRUS_DATABASE_URL is not a setting and is ignored; did you mean DATABASE_URL?"


@pytest.mark.parametrize("name", ["PAPER_URL", "GITHUB_LOGIN", "OAUTH_CLIENT_ID", "AWS_SECURITY_TOKEN", "LOG_LEVEL"])
def test_a_name_of_another_program_is_not_warned_of(name: str) -> None:
    assert load_settings({}, {name: "text"}).warnings == ()


def test_an_empty_or_known_variable_is_not_warned_of() -> None:
    assert load_settings({}, {"PYRUS_LOGN": "", "PYRUS_LOGIN": "me", "PYRUS_ETL_CONFIG": ""}).warnings == ()
