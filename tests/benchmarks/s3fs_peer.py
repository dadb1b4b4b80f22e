"""The same files into the same S3 server with s3fs, as its documentation shows it: requests in threads, then `open`.

Runs in an environment of its own, see config/bench.txt; reads addresses from standard input, prints files and seconds.
"""

import json
import os
import shutil
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import requests
import s3fs

store = s3fs.S3FileSystem(key="key", secret="secret", endpoint_url=os.environ["AWS_ENDPOINT_URL"])
session = requests.Session()
session.mount("http://", requests.adapters.HTTPAdapter(pool_maxsize=16))


def copy(url: str) -> None:
    with session.get(url, stream=True, timeout=60) as answer, store.open(f"bucket/s3fs/{url[-30:]}", "wb") as file:
        shutil.copyfileobj(answer.raw, file, 1 << 20)


def main() -> None:
    urls = sys.stdin.read().split()
    began = time.perf_counter()
    with ThreadPoolExecutor(16) as pool:
        list(pool.map(copy, urls))
    print(json.dumps({"files": len(urls), "seconds": time.perf_counter() - began}))


if __name__ == "__main__":
    main()
