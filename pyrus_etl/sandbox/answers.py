"""An answer before it becomes an HTTP response, and the vendor's error envelope.

The codes are those of https://pyrus.com/en/help/api/errors-and-limits.
"""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import quote

import msgspec

JSON = "application/json; charset=utf-8"
HTML = "text/html; charset=utf-8"
PLAIN = re.compile(r"[\w.-]+", re.ASCII)
"""Names of files that need no quotes."""

MESSAGES = {
    "BadFormat": (400, "An argument of the method is not valid."),
    "BadFormatInteger": (400, "A parameter of integer type has another value."),
    "BadFormatDate": (400, "A date parameter is not written as a date."),
    "BehavioralEmptyText": (400, "New task text must be specified."),
    "BehavioralIrrelevantTemplateFieldIdSpecified": (400, "The form has no such field."),
    "BehavioralUnrecognizedAttachmentId": (400, "There is no upload with this id, or it has been used."),
    "AuthorizationErrorInvalidLoginOrSecurityKey": (401, "The login or the security key is wrong."),
    "AuthorizationErrorInvalidClientId": (401, "There is no such client id."),
    "AuthorizationErrorInvalidToken": (401, "The access token is not valid."),
    "AuthorizationErrorExpiredToken": (401, "The access token has expired."),
    "AuthorizationErrorRevokedToken": (401, "The access token has been revoked."),
    "AuthorizationErrorTokenNotSpecified": (401, "An access token has to be sent with the request."),
    "BehavioralTaskAccessViolation": (403, "The account has no access to this task."),
    "BehavioralPersonAccessViolation": (403, "The account has no access to this person."),
    "BehavioralProjectAccessViolation": (403, "The account has no access to this project."),
    "BehavioralTemplateAccessViolation": (403, "The account has no access to this template."),
    "BehavioralMaxContentLengthExceeded": (403, "The file is longer than the account may upload."),
    "UnspecifiedAccessDenied": (403, "The account may not change this."),
    "TaskNotFound": (404, "There is no such task."),
    "FileNotFound": (404, "There is no such file."),
    "MethodNotFound": (404, "The method does not exist."),
    "TooManyRequests": (429, "The limit of requests is reached."),
    "ServerError": (500, "Something went wrong on the server."),
    "Unavailable": (503, "The service is not available for the moment."),
}


class Answer(msgspec.Struct):
    body: bytes
    status: int = 200
    content_type: str = JSON
    headers: dict[str, str] = {}


class Refused(Exception):
    """The request is answered with an error of the vendor, given by its code; `about` says what is wrong.

    `properties` are further properties of the envelope of API v3, like the id of the person.
    """

    def __init__(
        self,
        code: str,
        headers: dict[str, str] | None = None,
        about: str = "",
        properties: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(code)
        self.code = code
        self.headers = headers or {}
        self.about = about
        self.properties = properties or {}

    def answer(self) -> Answer:
        status, message = MESSAGES[self.code]
        envelope = {"ApiException": {"Code": self.code, "Message": self.about or message, **self.properties}}
        return Answer(msgspec.json.encode(envelope), status, headers=self.headers)


def answer(content: Any) -> Answer:
    return Answer(msgspec.json.encode(content))


def download(name: str | None, contents: bytes) -> Answer:
    """The contents of a file, and its name if it is known."""
    named = {"Content-Disposition": f"attachment{disposed(name)}"}
    return Answer(contents, content_type="application/octet-stream", headers=named)


def disposed(name: str | None) -> str:
    """The name as parameters of Content-Disposition: as it is, or encoded beside what is left of it in ASCII.

    https://www.rfc-editor.org/rfc/rfc6266#section-4.3
    """
    if name is None:
        return ""
    if PLAIN.fullmatch(name):
        return f"; filename={name}"
    ascii_only = "".join(letter if " " <= letter <= "~" and letter not in '"\\%' else "_" for letter in name)
    return f"; filename=\"{ascii_only}\"; filename*=UTF-8''{quote(name, safe='', errors='replace')}"
