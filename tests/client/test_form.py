"""Uploads: a form with a file, streamed; and writes, which are not sent again if they may have been applied."""

import asyncio
from collections.abc import AsyncIterator
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

import msgspec
import pytest

from pyrus_etl.client.meaning import Again, Failure, Unreadable
from pyrus_etl.client.network.form import Contents, Form
from pyrus_etl.client.request import Answer, Request
from pyrus_etl.errors import BodyCut, FileRefused
from pyrus_etl.extract.v3.api import client_for
from tests.conftest import loaded
from tests.scripted import Asked, Reply, Script, scripted

pytestmark = pytest.mark.usefixtures("impatient")

TOKEN = {"PYRUS_ACCESS_TOKEN": "canary"}


def contents(*pieces: bytes, name: str = "a.txt", size: int | None = None, error: Exception | None = None) -> Contents:
    """The contents of a file, of the given size if there is one."""

    async def read() -> AsyncIterator[bytes]:
        for piece in pieces:
            yield piece
        if error:
            raise error

    return Contents(name, size, "text/plain", read)


def sent(url: str, request: Request[Any]) -> Answer[Any] | Failure:
    async def ask() -> Answer[Any] | Failure:
        async with client_for(loaded({**TOKEN, "PYRUS_URL": url})) as client:
            return await client.ask(request)

    return asyncio.run(ask())


def upload(file: Contents, *fields: tuple[str, str], once: bool = True) -> Request[Any]:
    return Request("POST", "/upload", msgspec.json.decode, form=Form(fields, file), once=once)


def parts(asked: Asked) -> list[EmailMessage]:
    """The parts of a received form."""
    head = f"Content-Type: {asked.headers['Content-Type']}\r\n\r\n".encode()
    return list(message_from_bytes(head + asked.body, policy=policy.HTTP).iter_parts())  # type: ignore[arg-type]


def in_turn(*replies: Reply) -> Script:
    left = list(replies)
    return lambda _: left.pop(0) if left[1:] else left[0]


@pytest.mark.parametrize("size", [9, None], ids=["its size is known", "its size is not known"])
def test_a_form_has_the_fields_and_then_the_file(size: int | None) -> None:
    with scripted(lambda _: Reply(200, b"{}")) as server:
        outcome = sent(server.url, upload(contents(b"some", b" text", size=size), ("task_id", "7")))

    assert isinstance(outcome, Answer)
    (asked,) = server.asked
    field, file = parts(asked)
    assert (field.get_param("name", header="Content-Disposition"), field.get_content().strip()) == ("task_id", "7")
    assert file.get_param("name", header="Content-Disposition") == "file"
    assert (file.get_filename(), file.get_content_type()) == ("a.txt", "text/plain")
    assert file.get_payload(decode=True) == b"some text"
    assert asked.headers["Authorization"] == "Bearer canary"
    assert ("Content-Length" in asked.headers) == (size is not None)


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("Отчёт 😀.pdf", "Отчёт 😀.pdf"),
        ('a"; filename="b', "a%22; filename=%22b"),
        ("a\r\nX: y", "a%0D%0AX: y"),
        ("a\udcff", "a?"),
    ],
)
def test_no_name_breaks_the_form(name: str, shown: str) -> None:
    with scripted(lambda _: Reply(200, b"{}")) as server:
        sent(server.url, upload(contents(b"x", name=name, size=1)))

    assert f'filename="{shown}"\r\n'.encode() in server.asked[0].body


@pytest.mark.parametrize("size", [5, 3], ids=["fewer bytes than announced", "more bytes than announced"])
def test_a_file_of_another_size_than_announced_is_not_sent_whole(size: int) -> None:
    with scripted(lambda _: Reply(200, b"{}")) as server, pytest.raises(FileRefused, match=f"should have {size} bytes"):
        sent(server.url, upload(contents(b"some", size=size)))

    assert not any(asked.body.endswith(b"--\r\n") for asked in server.asked)


@pytest.mark.parametrize("size", [10, None])
def test_an_error_of_the_contents_ends_the_upload_and_is_the_callers(size: int | None) -> None:
    broken = contents(b"some", size=size, error=BodyCut("the source broke off", 4))
    with scripted(lambda _: Reply(200, b"{}")) as server, pytest.raises(BodyCut, match="the source broke off"):
        sent(server.url, upload(broken))

    assert not any(asked.body.endswith(b"--\r\n") for asked in server.asked)


def test_the_contents_begin_again_with_each_try() -> None:
    with scripted(in_turn(Reply(500), Reply(429, b"", {"Retry-After": "0"}), Reply(200, b"{}"))) as server:
        outcome = sent(server.url, upload(contents(b"some", size=4), once=False))

    assert isinstance(outcome, Answer)
    assert [parts(asked)[0].get_payload(decode=True) for asked in server.asked] == [b"some"] * 3


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (Reply(500), Again),
        (Reply(502, b"<html>bad gateway</html>"), Again),
        (Reply(408), Again),
        (Reply(200, b"{"), Again),
        (Reply(200, b"{}", {"Content-Length": "1000", "Connection": "close"}), Again),
        (Reply(200, b"[]"), Unreadable),
    ],
    ids=["500", "502", "408", "no JSON", "cut", "other JSON"],
)
def test_a_write_that_may_have_been_applied_is_not_sent_again(reply: Reply, kind: type[object]) -> None:
    request = Request("POST", "/write", lambda body: msgspec.json.decode(body, type=dict), {}, once=True)
    with scripted(lambda _: reply) as server:
        outcome = sent(server.url, request)

    assert isinstance(outcome, kind)
    assert len(server.asked) == 1


def test_a_write_that_was_not_applied_is_sent_again() -> None:
    spent = Reply(429, b"", {"Retry-After": "0"})
    with scripted(in_turn(spent, spent, Reply(200, b"{}"))) as server:
        outcome = sent(server.url, Request("POST", "/write", msgspec.json.decode, {}, once=True))

    assert isinstance(outcome, Answer)
    assert len(server.asked) == 3
