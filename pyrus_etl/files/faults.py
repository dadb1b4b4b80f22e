"""Why an object store cannot be used: a sentence for the user, made from what obstore says."""

import re
from urllib.parse import urlsplit

KEYS = {
    "s3": "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
    "gs": "GOOGLE_APPLICATION_CREDENTIALS to the path of a key file",
    "az": "AZURE_STORAGE_ACCOUNT_NAME and AZURE_STORAGE_ACCOUNT_KEY",
}
"""Scheme → the variables that most people set."""
ADDRESS = {"s3": "AWS_ENDPOINT_URL", "gs": "STORAGE_EMULATOR_HOST", "az": "AZURE_STORAGE_ENDPOINT"}
_NO_KEY = re.compile(
    r"169\.254\.|/latest/api/token|/latest/meta-data|omputeMetadata|metadata/identity"  # asked if no variable has a key
    r"|Account must be specified|Missing (AccessKeyId|SecretAccessKey)"
)
_WRONG_KEY = {
    "InvalidAccessKeyId",
    "SignatureDoesNotMatch",
    "InvalidToken",
    "ExpiredToken",
    "TokenRefreshRequired",
    "AuthenticationFailed",
    "InvalidAuthenticationInfo",
}
_REGION = {"AuthorizationHeaderMalformed", "PermanentRedirect", "IllegalLocationConstraintException"}
_CLOCK = {"RequestTimeTooSkewed", "RequestExpired"}


def sentence(target: str, text: str) -> str:
    """Says what failed, on which target, and what to do; `text` is obstore's message, which holds no key."""
    scheme = urlsplit(target).scheme
    keys, address = KEYS.get(scheme, "the store's own variables"), ADDRESS.get(scheme, "the address")
    code = (re.search(r"<Code>(\w{1,80})</Code>", text) or ["", ""])[1]
    if _NO_KEY.search(text):
        return f"{target} cannot be used without credentials; set {keys}."
    if code in _WRONG_KEY or "lacked valid authentication" in text:
        return f"{target}: the store does not accept the credentials ({code or 401}); correct {keys}."
    if code in _CLOCK:
        return f"{target}: the store says that the clock of this machine is wrong; correct it."
    if code in _REGION or "incorrectly configured region" in text:
        return f"{target} is in another region; set AWS_REGION to the region of the bucket."
    if "lacked the necessary privileges" in text:
        return (
            f"{target}: these credentials may not use it ({code or 403}); "
            "name a bucket of yours, or ask for the right to list, read, write and delete its objects."
        )
    if "HTTP error" in text:
        return f"{target} cannot be reached; check the network, and {address} if you set it."
    reason = text.partition("\n")[0][:300]
    return f"{target} cannot be used: {reason}; check the name, {keys}, and {address} if you set it."
