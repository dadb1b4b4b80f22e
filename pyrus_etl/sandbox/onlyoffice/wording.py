"""How the portal words an answer: the wrapper, JSON or XML, camelCase or PascalCase, times with seven digits."""

from __future__ import annotations

from typing import Any, Literal
from xml.sax.saxutils import escape

import msgspec

from pyrus_etl.sandbox.answers import JSON, Answer
from pyrus_etl.sandbox.organisation.clock import moment

Json = dict[str, Any]
Names = Literal["camel", "pascal", "mixed"]

XML = "text/xml; charset=utf-8"


def time(instant: int) -> str:
    """A time as the portal writes it: `2019-02-05T09:31:03.0000000Z`."""
    return f"{moment(instant):%Y-%m-%dT%H:%M:%S}.{instant % 1000:03}0000Z"


def wrapped(response: Any, status: int = 200, **more: int) -> Json:
    """The wrapper of an answer; `more` are nextIndex and total of a list."""
    count = len(response) if isinstance(response, list) else 1
    head = {"count": count, "startIndex": more.pop("startIndex", 0)}
    return head | more | {"status": 0, "statusCode": status, "response": response}


def failed(status: int, message: str) -> Json:
    """The wrapper of a refusal."""
    error = {"message": message, "type": "ASC.Api.Exceptions.ItemNotFoundException", "hresult": -2146233088}
    return {"count": 0, "startIndex": 0, "status": 1, "statusCode": status, "error": error}


def said(body: Json, status: int, names: Names, as_json: bool) -> Answer:
    """The answer in these names. `mixed` is as the vendor's page prints it: the wrapper in camelCase, the rest not."""
    if names == "pascal":
        body = pascal(body)
    if names == "mixed":
        body = {key: pascal(value) for key, value in body.items()}
    if as_json:
        return Answer(msgspec.json.encode(body), status, JSON)
    return Answer(f'<?xml version="1.0" encoding="utf-8"?><result>{elements(body)}</result>'.encode(), status, XML)


def pascal(value: Any) -> Any:
    """The same, with names in PascalCase."""
    if isinstance(value, dict):
        return {key[:1].upper() + key[1:]: pascal(one) for key, one in value.items()}
    return [pascal(one) for one in value] if isinstance(value, list) else value


def elements(body: Json) -> str:
    return "".join(element(key, value) for key, value in body.items() if value is not None)


def element(name: str, value: Any) -> str:
    if isinstance(value, list):
        return "".join(element(name, one) for one in value)
    if isinstance(value, dict):
        return f"<{name}>{elements(value)}</{name}>"
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return f"<{name}>{escape(text)}</{name}>"
