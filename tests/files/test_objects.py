"""Object stores: what they are sent, and what the user reads if they refuse. S3 has more tests in tests/sync."""

import os
from collections.abc import Callable
from typing import Any

import pytest

from pyrus_etl.errors import SettingsError, TargetUnavailable
from pyrus_etl.files.check import Corrupt
from tests.files.parts import Parts, put, read
from tests.scripted import Asked, Reply, Scripted, scripted

S3 = {"AWS_ACCESS_KEY_ID": "id", "AWS_SECRET_ACCESS_KEY": "canary"}
AZURE = {"AZURE_STORAGE_ACCOUNT_NAME": "account", "AZURE_STORAGE_ACCOUNT_KEY": "Y2FuYXJ5"}
ADDRESS = {"s3": "AWS_ENDPOINT_URL", "gs": "STORAGE_EMULATOR_HOST", "az": "AZURE_STORAGE_ENDPOINT"}
SMALL, LARGE = (b"small",), tuple(bytes([each]) * (1 << 20) for each in range(7))


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> Callable[[dict[str, str]], None]:
    """Sets variables; those of object stores that are set outside are removed."""
    for name in os.environ:
        if name.startswith(("AWS_", "GOOGLE_", "AZURE_", "STORAGE_")):
            monkeypatch.delenv(name)

    def given(variables: dict[str, str]) -> None:
        for name, value in variables.items():
            monkeypatch.setenv(name, value)

    return given


def error(code: str, status: int) -> Reply:
    return Reply(status, f"<Error><Code>{code}</Code><Message>No.\nRequest 1</Message></Error>".encode())


def keeping(objects: dict[str, bytes]) -> Callable[[Asked], Reply]:
    """A store of Google's (its XML API) or Azure's, as far as obstore asks it; wrong requests are 400."""
    parts: list[bytes] = []

    def answer(asked: Asked) -> Reply:
        path, _, query = asked.path.partition("?")
        match asked.method, query.partition("=")[0]:
            case "PUT", "":
                objects[path] = asked.body
            case "POST", "uploads":
                return Reply(
                    200, b"<InitiateMultipartUploadResult><UploadId>1</UploadId></InitiateMultipartUploadResult>"
                )
            case ("PUT", "partNumber" | "comp") if "comp=blocklist" not in query:
                parts.append(asked.body)
            case "POST" | "PUT", _:
                objects[path] = b"".join(parts)
                whole = b"<CompleteMultipartUploadResult><ETag>tag</ETag></CompleteMultipartUploadResult>"
                return Reply(200 if asked.method == "POST" else 201, whole, {"ETag": "tag"})
            case "GET", "":
                headers = {"ETag": "tag", "Last-Modified": "Sat, 28 Nov 2026 00:00:00 GMT"}
                return Reply(200, objects[path], headers) if path in objects else Reply(404)
            case "DELETE", _:
                parts.clear()
            case _:
                return Reply(400)
        return Reply(201 if asked.method == "PUT" else 204, b"", {"ETag": "tag"})

    return answer


@pytest.mark.parametrize(
    ("scheme", "variables", "below"), [("gs", {}, "/bucket/a%20b%2F7%2Fx"), ("az", AZURE, "/bucket/a%20b/7/x")]
)
def test_contents_go_to_google_and_azure(
    scheme: str, variables: dict[str, str], below: str, environment: Callable[[Any], None]
) -> None:
    objects: dict[str, bytes] = {}
    target = f"{scheme}://bucket/a%20b"
    with scripted(keeping(objects)) as server:
        environment({**variables, ADDRESS[scheme]: server.url})
        for parts in (SMALL, LARGE):
            put(target, "7/x", Parts(*parts))
            assert objects == {below: b"".join(parts)}
            assert read(target, "7/x") == b"".join(parts)
            objects.clear()
            with pytest.raises(Corrupt):
                put(target, "7/x", Parts(*parts, md5="0" * 32))
        assert objects == {}
        with pytest.raises(FileNotFoundError):
            read(target, "7/x")


@pytest.mark.parametrize(
    ("target", "variables", "reply", "said"),
    [
        ("s3://b/x", {}, Reply(404), "without credentials; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY."),
        ("az://b/x", {}, Reply(404), "without credentials; set AZURE_STORAGE_ACCOUNT_NAME and AZURE_STORAGE_ACC"),
        ("gs://b/x", {"GOOGLE_APPLICATION_CREDENTIALS": "/no/such"}, Reply(404), "open service account file from /no/"),
        ("s3://b/x", S3, error("InvalidAccessKeyId", 403), "not accept the credentials (InvalidAccessKeyId); correct"),
        ("s3://b/x", S3, error("SignatureDoesNotMatch", 403), "correct AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY."),
        ("az://b/x", AZURE, error("AuthenticationFailed", 403), "correct AZURE_STORAGE_ACCOUNT_NAME and AZURE_STORAGE"),
        ("s3://b/x", S3, error("AccessDenied", 403), "may not use it (AccessDenied); name a bucket of yours, or ask"),
        ("az://b/x", AZURE, error("AuthorizationPermissionMismatch", 403), "these credentials may not use it (Author"),
        ("s3://b/x", S3, error("NoSuchBucket", 404), "does not exist; create the bucket"),
        ("az://b/x", AZURE, error("ContainerNotFound", 404), "does not exist; create the bucket"),
        ("s3://b/x", S3, error("PermanentRedirect", 301), "is in another region; set AWS_REGION"),
        ("s3://b/x", S3, error("RequestTimeTooSkewed", 403), "the clock of this machine is wrong"),
        ("s3://b/x", S3, error("Unheard", 400), "400 Bad Request"),
    ],
)
def test_a_store_that_refuses_is_explained_in_a_sentence(
    target: str, variables: dict[str, str], reply: Reply, said: str, environment: Callable[[Any], None]
) -> None:
    with scripted(lambda _: reply) as server:
        environment({**variables, **_addresses(server, target, variables)})
        for parts in (SMALL, LARGE):
            with pytest.raises(TargetUnavailable) as refused:
                put(target, "7/x", Parts(*parts))

            assert said in str(refused.value)
            assert str(refused.value).startswith(target)
            assert "\n" not in str(refused.value)
            assert "anary" not in str(refused.value)


def _addresses(server: Scripted, target: str, variables: dict[str, str]) -> dict[str, str]:
    """Without a key, only the address from which a machine of the vendor's cloud would get one."""
    scheme = target.partition(":")[0]
    if not variables:
        return {"AWS_METADATA_ENDPOINT": server.url}
    return {ADDRESS[scheme]: server.url} if scheme != "gs" else {}


def test_contents_are_not_sent_over_plain_http(environment: Callable[[Any], None]) -> None:
    for scheme, variable in ADDRESS.items():
        environment({variable: "http://store.example"})
        with pytest.raises(SettingsError, match=f"^{variable}: plain http"):
            put(f"{scheme}://bucket/x", "7/x", Parts(*SMALL))
