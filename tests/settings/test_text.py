"""Text from outside: invisible characters are removed at both ends, and refused by name inside."""

import codecs
from pathlib import Path

import pytest

from pyrus_etl.errors import SettingsError
from pyrus_etl.settings import Settings, load_settings
from pyrus_etl.settings.text import cleaned

PADDING = {
    "a byte order mark": "\ufeff",
    "zero-width characters": "\u200b\u200c\u200d\u200e\u200f",
    "a word joiner": "\u2060",
    "a soft hyphen": "\u00ad",
    "spaces of several kinds": "\u00a0\u2003\u202f\u3000\t ",
    "ends of lines": "\r\n\u2028\u0085",
    "fillers and selectors": "\u3164\ufe0f\u2800",
}
SETTINGS = {
    "PYRUS_URL": "https://pyrus.example",
    "PYRUS_LOGIN": "robot@example.com",
    "PYRUS_CLIENT_ID": "1234-abcd",
    "PYRUS_SECURITY_KEY": "key",
    "PYRUS_ACCESS_TOKEN": "token",
    "DATABASE_URL": "postgresql://etl@db.example/pyrus",
    "PYRUS_ETL_CONCURRENCY": "7",
    "PYRUS_ETL_QUOTA": "10/1s",
    "PYRUS_ETL_OVERLAP": "1h",
    "PYRUS_ETL_TIME_ZONE": "Europe/Berlin",
    "PYRUS_ETL_LOG_LEVEL": "DEBUG",
    "PYRUS_ETL_LOG_FORMAT": "json",
}
SECRETS = ("PYRUS_SECURITY_KEY", "PYRUS_ACCESS_TOKEN", "DATABASE_URL")


def shown(settings: Settings) -> tuple[str, ...]:
    """Returns all values of the settings, secrets included."""
    secrets = (settings.security_key, settings.access_token, settings.database_url)
    return (repr(settings), *(secret.reveal() if secret else "" for secret in secrets))


@pytest.mark.parametrize("padding", PADDING.values(), ids=PADDING)
def test_invisible_characters_around_a_setting_are_removed_wherever_it_comes_from(padding: str, tmp_path: Path) -> None:
    padded = {name: f"{padding}{text}{padding}" for name, text in SETTINGS.items()}
    files = {name: tmp_path / name for name in SECRETS}
    for name, file in files.items():
        file.write_text(padded[name], encoding="utf-8")
    rest = {name: text for name, text in padded.items() if name not in SECRETS}
    plain = shown(load_settings({}, SETTINGS))

    assert shown(load_settings({}, padded)) == plain
    assert shown(load_settings({}, {padding + name: text for name, text in SETTINGS.items()})) == plain
    assert (
        shown(load_settings({}, rest | {f"{name}_FILE": f"{file}{padding}" for name, file in files.items()})) == plain
    )


@pytest.mark.parametrize(
    ("character", "name"),
    [
        ("\ufeff", r"U\+FEFF \(ZERO WIDTH NO-BREAK SPACE\)"),
        ("\u200b", r"U\+200B \(ZERO WIDTH SPACE\)"),
        ("\u200f", r"U\+200F \(RIGHT-TO-LEFT MARK\)"),
        ("\u2060", r"U\+2060 \(WORD JOINER\)"),
        ("\u00ad", r"U\+00AD \(SOFT HYPHEN\)"),
        ("\u00a0", r"U\+00A0 \(NO-BREAK SPACE\)"),
        ("\u3164", r"U\+3164 \(HANGUL FILLER\)"),
        ("\n", r"U\+000A \(LINE FEED\)"),
        ("\0", r"U\+0000 \(NULL\)"),
        ("\x7f", r"U\+007F \(invisible\)"),
        ("\udcff", r"the byte 0xFF, which is not UTF-8,"),
    ],
)
@pytest.mark.parametrize("setting", SETTINGS)
def test_an_invisible_character_inside_is_refused_by_its_name_and_place(
    setting: str, character: str, name: str
) -> None:
    with pytest.raises(SettingsError, match=rf"{setting} contains {name} at character 5; remove it") as raised:
        load_settings({}, {setting: f"\ufeffcan{character}ary"})

    assert "can" not in str(raised.value)


def test_a_space_is_seen() -> None:
    assert cleaned(" a b ", "somewhere") == "a b"


@pytest.mark.parametrize("damage", ["\0", "\x7f", "\udcff"])
def test_damage_at_an_end_is_refused_too(damage: str) -> None:
    with pytest.raises(SettingsError, match="at character 4"):
        cleaned(f"key{damage}", "somewhere")


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize(
    ("mark", "encoding"),
    [
        (b"", "utf-8"),
        (codecs.BOM_UTF8, "utf-8"),
        (codecs.BOM_UTF16_LE, "utf-16-le"),
        (codecs.BOM_UTF16_BE, "utf-16-be"),
        (codecs.BOM_UTF32_LE, "utf-32-le"),
        (codecs.BOM_UTF32_BE, "utf-32-be"),
    ],
)
def test_files_are_read_as_their_byte_order_mark_says(tmp_path: Path, mark: bytes, encoding: str, end: str) -> None:
    key, config = tmp_path / "key", tmp_path / "config.toml"
    key.write_bytes(mark + f"ключ{end}".encode(encoding))
    lines = ["[pyrus]", "login = 'робот@example.com'  # бот", f"security_key_file = '{key}'", ""]
    config.write_bytes(mark + end.join(lines).encode(encoding))

    settings = load_settings({}, {}, str(config))

    assert settings.login == "робот@example.com"
    assert settings.security_key
    assert settings.security_key.reveal() == "ключ"


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("[pyrus]\n\u00a0login = 'me'\n".encode(), r"U\+00A0 \(NO-BREAK SPACE\) in line 2, column 1"),
        ("[pyrus]\nlogin\u200b = 'me'\n".encode(), r"U\+200B \(ZERO WIDTH SPACE\) in line 2, column 6"),
        ("[pyrus]\n\ufeff[sync]\n".encode(), r"U\+FEFF .* in line 2, column 1"),
        (
            "[pyrus]\nlogin = 'm\u200be'\n".encode(),
            r"^pyrus\.login in .*/config\.toml contains U\+200B .* at character 2",
        ),
        ("[pyrus]\nlogin = 'é'\n".encode("latin-1"), "it is not UTF-8 text"),
        ("[pyrus]\nlogin = 'me'\n".encode("utf-16-le"), r"U\+0000 \(NULL\) in line 1, column 2"),
        (b"x" * (1 << 21), "more than 1048576 bytes"),
    ],
)
def test_a_config_file_that_cannot_be_read_says_which_character_is_at_fault(
    tmp_path: Path, content: bytes, problem: str
) -> None:
    file = tmp_path / "config.toml"
    file.write_bytes(content)

    with pytest.raises(SettingsError, match=problem):
        load_settings({}, {"PYRUS_ETL_CONFIG": f"\ufeff{file}\r"})


@pytest.mark.parametrize("content", [b"canary\xff", "canary".encode("utf-16-be"), b"can\nary", b"x" * (1 << 21)])
@pytest.mark.parametrize("name", SECRETS)
def test_a_secret_file_that_cannot_be_used_is_a_sentence_without_the_secret(
    tmp_path: Path, name: str, content: bytes
) -> None:
    file = tmp_path / "key"
    file.write_bytes(content)

    with pytest.raises(SettingsError, match=f"{name}_FILE") as raised:
        load_settings({}, {f"{name}_FILE": str(file)})

    assert "canary" not in repr(raised.value)
    assert raised.value.__cause__ is None


@pytest.mark.parametrize(
    "path", ["canary", "can/ary", "postgresql://u:canary@h/d", "~nobody-at-all/canary", "a\0canary"]
)
def test_a_secret_in_place_of_a_path_is_not_shown(path: str) -> None:
    with pytest.raises(SettingsError, match="PYRUS_SECURITY_KEY_FILE: the file that it names cannot be read") as raised:
        load_settings({}, {"PYRUS_SECURITY_KEY_FILE": path})

    assert "ary" not in str(raised.value)
