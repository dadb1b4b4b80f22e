"""Every setting, declared once.

A setting is an entry in `Settings`. From it come the option of the command line, config/pyrus_etl.toml, the table in
docs/settings.md (`make docs` writes both) and the list of known names.
"""

from dataclasses import dataclass, fields, replace
from datetime import timedelta
from typing import Self

from pyrus_etl.errors import SettingsError
from pyrus_etl.settings.account import Account
from pyrus_etl.settings.accounts import chosen
from pyrus_etl.settings.database_url import parse_database_url
from pyrus_etl.settings.parse import (
    Quota,
    optional,
    parse_api,
    parse_duration,
    parse_hybrid,
    parse_keeping,
    parse_log_format,
    parse_log_level,
    parse_optional_origin,
    parse_origin,
    parse_person_id,
    parse_quota,
    parse_secret_url,
    parse_switch,
    parse_whole_number,
    secret,
)
from pyrus_etl.settings.privacy import Privacy, Targets, parse_cuts, parse_targets
from pyrus_etl.settings.retry import STANDARD, Waits
from pyrus_etl.settings.secret import Secret
from pyrus_etl.settings.selection import Selection, parse_selection
from pyrus_etl.settings.setting import Setting, setting
from pyrus_etl.settings.web_login import WebLogin


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The validated settings, as `load_settings` reads them; each has its default.

    `database_url` is None for the embedded PostgreSQL. `time_zone` is None to keep the one stored in the database.
    `warnings` are sentences about variables that look like settings of ours but are not read, and about secrets that
    others can read. `found_config`: the config file of the current folder, if it was read because none is named.
    `waits` is not for users: see `settings.retry`.

    `is_web_login`: the access token is the one of `pyrus-etl login`.

    `accounts`: those of the sections [accounts.NAME] in the config file; then `login` and what belongs to it are not
    used, and `of` makes the settings of each. `account`: the name of the account that these settings are of.
    `has_several`: whether the file names others too.
    """

    api: str | None = setting(
        "PYRUS_API",
        "pyrus.api",
        parse_api,
        "API of Pyrus: v4, the one of live accounts, or v3, the restapi",
        unset="v3 with a client id, else v4",
    )
    url: str = setting("PYRUS_URL", "pyrus.url", parse_origin, "origin of Pyrus, without a path", "https://pyrus.com")
    login: str | None = setting("PYRUS_LOGIN", "pyrus.login", optional, "e-mail of the person or bot to log in as")
    client_id: str | None = setting(
        "PYRUS_CLIENT_ID", "pyrus.client_id", optional, "id of the application registered in Pyrus; v3 only"
    )
    person_id: int | None = setting(
        "PYRUS_PERSON_ID", "pyrus.person_id", parse_person_id, "id of the person, if several share the login; v4 only"
    )
    security_key: Secret | None = setting(
        "PYRUS_SECURITY_KEY", "pyrus.security_key", secret, "the security key of the login", is_secret=True
    )
    access_token: Secret | None = setting(
        "PYRUS_ACCESS_TOKEN", "pyrus.access_token", secret, "an access token, used instead of a login", is_secret=True
    )
    client_secret: Secret | None = setting(
        "PYRUS_CLIENT_SECRET",
        "pyrus.client_secret",
        secret,
        "the secret key of that application, for pyrus-etl login",
        is_secret=True,
    )
    concurrency: int = setting(
        "PYRUS_ETL_CONCURRENCY", "pyrus.concurrency", parse_whole_number, "maximum concurrent requests", "16"
    )
    # Pyrus's own limits: https://pyrus.com/en/help/api/errors-and-limits
    quota: Quota = setting("PYRUS_ETL_QUOTA", "pyrus.quota", parse_quota, "maximum requests per period", "5000/600s")
    database_url: Secret | None = setting(
        "DATABASE_URL",
        "database.url",
        parse_database_url,
        "the URL of the database, postgresql://…",
        unset="the embedded PostgreSQL",
        is_secret=True,
    )
    overlap: timedelta = setting(
        "PYRUS_ETL_OVERLAP", "sync.overlap", parse_duration, "minimum overlap of the periods of two syncs", "30m"
    )
    keep_runs: timedelta = setting(
        "PYRUS_ETL_KEEP_RUNS",
        "sync.keep_runs",
        parse_keeping,
        "how long rows about runs that ended, closed errors and sent alerts are kept, at least 31d",
        "90d",
    )
    hybrid: str = setting(
        "PYRUS_ETL_HYBRID",
        "sync.hybrid",
        parse_hybrid,
        "whether v4 lists changes by the search of v3: auto, if that takes its token, or off",
        "auto",
    )
    forms: Selection = setting(
        "PYRUS_ETL_FORMS",
        "selection.forms",
        parse_selection,
        "ids of the forms to read, 12,34, or to leave out, -12,-34",
        unset="all",
    )
    lists: Selection = setting(
        "PYRUS_ETL_LISTS",
        "selection.lists",
        parse_selection,
        "ids of the lists to read, 12,34, or to leave out, -12,-34",
        unset="all",
    )
    left_out: Targets = setting(
        "PYRUS_ETL_LEFT_OUT",
        "privacy.left_out",
        parse_targets,
        "what is not stored: form/field, */type, person/email, …",
    )
    hashed: Targets = setting("PYRUS_ETL_HASHED", "privacy.hashed", parse_targets, "what is stored as its HMAC-SHA256")
    cut: Targets = setting(
        "PYRUS_ETL_CUT", "privacy.cut", parse_cuts, "texts of which only the beginning is stored: form/field:length"
    )
    hash_key: Secret | None = setting(
        "PYRUS_ETL_HASH_KEY", "privacy.hash_key", secret, "the key of the hashes", is_secret=True
    )
    files_to: str | None = setting(
        "PYRUS_ETL_FILES_TO",
        "contents.to",
        optional,
        "where contents of attachments go: a folder, s3://…, gs://… or az://…",
        unset="attachments in the data folder",
    )
    paymo_url: str = setting(
        "PAYMO_URL", "paymo.url", parse_origin, "origin of Paymo, without a path", "https://app.paymoapp.com"
    )
    paymo_api_key: Secret | None = setting(
        "PAYMO_API_KEY", "paymo.api_key", secret, "an API key of Paymo, or e-mail:password", is_secret=True
    )
    onlyoffice_url: str | None = setting(
        "ONLYOFFICE_URL", "onlyoffice.url", parse_optional_origin, "origin of the ONLYOFFICE portal, without a path"
    )
    onlyoffice_token: Secret | None = setting(
        "ONLYOFFICE_TOKEN", "onlyoffice.token", secret, "an access token of the portal", is_secret=True
    )
    write: bool | None = setting(
        "PYRUS_ETL_WRITE",
        "files.write",
        parse_switch,
        "whether push and files may write to a service: on or off",
        unset="off for push, on for files",
    )
    write_files: str | None = setting(
        "PYRUS_ETL_WRITE_FILES",
        "files.write_files",
        optional,
        "the folder whose files push may attach; rows of the outbox name them by path",
        unset="none, so push attaches addresses only",
    )
    time_zone: str | None = setting(
        "PYRUS_ETL_TIME_ZONE",
        "reports.time_zone",
        optional,
        "time zone of the reports, such as Europe/Moscow",
        unset="the stored one, at first UTC",
    )
    alert_url: Secret | None = setting(
        "PYRUS_ETL_ALERT_URL",
        "alerts.url",
        parse_secret_url,
        "where to POST an alert when runs begin to fail, are well again, or data are stale",
        is_secret=True,
    )
    stale_after: timedelta = setting(
        "PYRUS_ETL_STALE_AFTER", "alerts.stale_after", parse_duration, "age of the last good run for that alert", "36h"
    )
    page_password: Secret | None = setting(
        "PYRUS_ETL_PAGE_PASSWORD", "page.password", secret, "the password of the page that serve shows", is_secret=True
    )
    cluster_url: Secret | None = setting(
        "PYRUS_ETL_CLUSTER_URL",
        "cluster.url",
        parse_database_url,
        "the URL of the database with the accounts and the queue of several machines",
        unset="pyrus_cluster in the embedded PostgreSQL",
        is_secret=True,
    )
    log_level: str = setting(
        "PYRUS_ETL_LOG_LEVEL",
        "log.level",
        parse_log_level,
        "lowest level of log lines: DEBUG, INFO, WARNING or ERROR",
        "INFO",
    )
    log_format: str = setting(
        "PYRUS_ETL_LOG_FORMAT", "log.format", parse_log_format, "format of log lines: text or json", "text"
    )
    warnings: tuple[str, ...] = ()
    found_config: str = ""
    accounts: tuple[Account, ...] = ()
    account: str | None = None
    has_several: bool = False
    is_web_login: bool = False
    waits: Waits = STANDARD

    def __post_init__(self) -> None:
        for name in ("url", "paymo_url", "onlyoffice_url"):  # settings built in Python must not send a token
            parse_optional_origin(getattr(self, name) or "", name)  # unencrypted either
        if self.hashed and not self.hash_key:
            raise SettingsError("PYRUS_ETL_HASHED needs a key; set PYRUS_ETL_HASH_KEY, and keep it.")

    def of(self, account: Account) -> Self:
        """The settings of one of several accounts. Raises SettingsError if it cannot be used on this machine."""
        if account.fault:
            raise account.fault
        return replace(
            self,
            account=account.name,
            accounts=(),
            login=account.login,
            security_key=account.security_key,
            api=account.api,
            url=account.url,
            quota=account.quota,
            person_id=None,
            access_token=None,
        )

    def of_account(self, name: str | None = None) -> Self:
        """The settings of the only account, or of the one of this name. Raises SettingsError if that is not clear."""
        accounts = chosen(self.accounts, name)
        if len(accounts) > 1:
            raise SettingsError(f"Several accounts are set; name one of {', '.join(each.name for each in accounts)}.")
        return self.of(accounts[0]) if accounts else self

    def logged_in(self, login: WebLogin | None) -> Self:
        """The settings with the token of a web login, if they have no login of their own and it is of their Pyrus."""
        has_own = self.accounts or self.access_token or self.security_key
        if login is None or has_own or login.url != self.url:
            return self
        return replace(self, access_token=login.token, api=self.api or "v3", is_web_login=True)

    @property
    def privacy(self) -> Privacy:
        """What must not be stored as served."""
        key = self.hash_key.reveal().encode() if self.hash_key else b""
        return Privacy(self.left_out, self.hashed, self.cut, key)


SETTINGS: dict[str, Setting] = {
    each.name: each.metadata["setting"] for each in fields(Settings) if "setting" in each.metadata
}
"""The settings by the name of their field; an option has the same name, with dashes."""

CONFIG = "PYRUS_ETL_CONFIG"
"""The variable that names the config file."""

VARIABLES = {CONFIG, *(variable for each in SETTINGS.values() for variable in each.variables)}
KEYS = {each.key for each in SETTINGS.values()}
