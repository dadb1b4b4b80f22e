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
    "BehavioralEmptyText": "text_missing",
    "BehavioralIrrelevantTemplateFieldIdSpecified": "invalid_field_id",
    "BehavioralMaxContentLengthExceeded": "attachment_too_big",
    "BehavioralTaskAccessViolation": "access_denied_task",
    "BehavioralPersonAccessViolation": "access_denied_person",
    "BehavioralProjectAccessViolation": "access_denied_project",
    "BehavioralTemplateAccessViolation": "access_denied_form",
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
    "attachment_too_big": (400, "The file is too big."),
    "text_missing": (400, "A task needs a text."),
    "form_id_missing": (400, "A form needs form_id."),
    "task_has_no_form": (400, "The task has no form."),
    "field_identity_missing": (400, "A field needs an id or a name."),
    "invalid_field_id": (400, "The form has no field with this id."),
    "invalid_field_name": (400, "The form has no field with this name."),
    "duplicate_field": (400, "A field is given twice."),
    "field_is_in_table": (400, "The field is a column of a table."),
    "field_cannot_have_multiple_values": (400, "The field takes one value."),
    "field_editing_is_not_allowed": (400, "The field cannot be edited."),
    "required_field_missing": (400, "A required field is missing."),
    "too_many_decimal_places": (400, "The number has too many decimal places."),
    "invalid_catalog_item_id": (400, "The catalog has no item with this id."),
    "catalog_item_id_name_mismatch": (400, "The id and the name are those of different items."),
    "invalid_person_id": (400, "There is no person with this id."),
    "person_identity_missing": (400, "A person needs an id or an e-mail address."),
    "invalid_email": (400, "There is no person with this e-mail address."),
    "either_due_date_or_due_can_be_set": (400, "Either due_date or due can be set."),
    "due_missing": (400, "A duration needs due."),
    "negative_duration": (400, "The duration is negative."),
    "add_task_to_list_forbidden": (400, "The task cannot be added to this list."),
    "both_text_and_formatted_text_specified": (403, "Either text or formatted_text can be set."),
    "form_is_deleted": (403, "The form has been deleted."),
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
    "not_found": (404, "The method does not exist."),
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
