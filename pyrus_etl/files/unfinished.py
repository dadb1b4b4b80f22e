"""Multipart uploads to S3 that a killed run left unfinished. They cost storage, and no list of objects shows them.

https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListMultipartUploads.html. obstore has no call for it, but signs an
address with whatever credentials it has found: here one with the query of that call. It appends a path to the address,
so a last parameter, which S3 ignores, takes that path.
"""

import logging
import os
import re
from datetime import timedelta
from html import unescape
from typing import Any
from urllib.parse import quote

import aiohttp
import obstore
from obstore.store import S3Store
from yarl import URL

log = logging.getLogger(__name__)

_UPLOAD = re.compile(r"<Upload>.*?</Upload>", re.DOTALL)
_IGNORED = "&x-id="


async def remove_unfinished(bucket: str, prefix: str, endpoint: str | None, options: dict[str, Any]) -> None:
    """Aborts the uploads below a prefix, in a folder whose name is a number. Without the right to, leaves them."""
    region = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION") or "us-east-1"
    address = f"{(endpoint or f'https://s3.{region}.amazonaws.com').rstrip('/')}/{bucket}"
    below = f"{prefix}/" if prefix else ""

    async def ask(session: aiohttp.ClientSession, method: Any, url: str) -> str:
        store = S3Store(bucket, endpoint=url + _IGNORED, virtual_hosted_style_request=True, **options)
        signed = await obstore.sign_async(store, method, "-", timedelta(minutes=5))
        async with session.request(method, URL(signed, encoded=True)) as answer:
            body = await answer.text(errors="replace")
            if answer.status == 404 and "NoSuchBucket" in body:
                raise FileNotFoundError(bucket)
            if answer.status >= 400:
                log.debug("unfinished uploads in %s: status %s", bucket, answer.status)
            return body if answer.status < 400 else ""

    try:
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(30), trust_env=True) as session:
            listed = await ask(session, "GET", f"{address}?uploads&prefix={quote(below)}")
            for upload in _UPLOAD.findall(listed):
                key, id_ = (unescape(re.search(rf"<{name}>(.*?)</{name}>", upload)[1]) for name in ("Key", "UploadId"))  # type: ignore[index]
                if re.fullmatch(r"\d+/.+", key.removeprefix(below), re.DOTALL) and key.startswith(below):
                    await ask(session, "DELETE", f"{address}/{quote(key)}?uploadId={quote(id_, '')}")
    except (aiohttp.ClientError, TimeoutError) as error:
        log.debug("unfinished uploads in %s could not be listed: %s", bucket, error)
