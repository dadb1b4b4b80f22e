"""The error envelope of API v4: https://pyrus.com/en/help/api/errors-and-limits."""

from __future__ import annotations

import msgspec

from pyrus_etl.sandbox.answers import Answer, Refused

OF_V3 = {
    "BadFormat": "invalid_value_format",
    "BadFormatInteger": "invalid_value_format",
    "BadFormatDate": "invalid_value_format",
    "BehavioralUnrecognizedAttachmentId": "unrecognized_attachment_id",
    "AuthorizationErrorInvalidToken": "invalid_token",
    "AuthorizationErrorExpiredToken": "expired_token",
    "AuthorizationErrorRevokedToken": "revoked_token",
    "AuthorizationErrorTokenNotSpecified": "token_not_specified",
    "BehavioralTaskAccessViolation": "access_denied_task",
    "TaskNotFound": "access_denied_task",
    "UnspecifiedAccessDenied": "access_denied_task",
    "FileNotFound": "unrecognized_attachment_id",
    "MethodNotFound": "not_found",
    "TooManyRequests": "too_many_requests",
    "ServerError": "server_error",
    "Unavailable": "server_error",
}
MESSAGES = {
    "invalid_value_format": (400, "A parameter has a value that cannot be read."),
    "items_count_out_of_range": (400, "The number of items has to be between 1 and 20000."),
    "unrecognized_attachment_id": (400, "The attachment file ID is incorrect."),
    "unrecognized_task_id": (400, "There is no task with this ID."),
    "no_file_in_request": (400, "The request has no file."),
    "empty_file": (400, "The file is empty."),
    "authorization_error": (401, "The authorization failed."),
    "token_not_specified": (401, "Authorization token is not specified."),
    "invalid_token": (401, "Authorization token is invalid."),
    "expired_token": (401, "Authorization token has expired."),
    "revoked_token": (401, "Authorization token has been revoked."),
    "account_blocked": (401, "The account is blocked."),
    "invalid_credentials": (401, "Invalid login/secret_key."),
    "non_unique_email": (401, "Several accounts have this e-mail address: send person_id."),
    "access_denied_task": (403, "You don't have access to this task."),
    "access_denied_form": (403, "You don't have access to this form."),
    "access_denied_project": (403, "You don't have access to this list."),
    "access_denied_catalog": (403, "You don't have access to this catalog."),
    "access_denied_person": (403, "You don't have access to this person."),
    "access_denied_file": (403, "You don't have access to this file."),
    "file_is_missing": (410, "The file has been deleted."),
    "not_found": (404, "There is no such method."),
    "too_many_requests": (429, "You have reached the limit of requests per 10 minutes."),
    "server_error": (500, "Something went wrong on the server."),
}


def refusal(refused: Refused) -> Answer:
    """The answer to a refused request; the codes of API v3 are translated."""
    code = OF_V3.get(refused.code, refused.code)
    status, message = MESSAGES[code]
    status = 503 if refused.code == "Unavailable" else status
    return Answer(
        msgspec.json.encode({"error_code": code, "error": refused.about or message}), status, headers=refused.headers
    )
