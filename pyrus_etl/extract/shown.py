"""What may be shown of the settings of an account."""

from pyrus_etl.client.masking import masked
from pyrus_etl.settings import Settings


def shown_login(settings: Settings) -> str:
    """The login as it may be shown and stored: masked if somebody put the key in its place."""
    login = (settings.login or "").replace("\0", "\ufffd").encode(errors="replace")
    return masked(login, settings.security_key).decode()
