"""A real browser, Debian's chromium, controlled over its DevTools protocol; it has no network."""

import asyncio
import base64
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import aiohttp

PROGRAM = shutil.which("chromium")
PATIENCE = 60.0


class Browser:
    """One tab. `complaints` are the errors and warnings of the page, and the URLs that it tried to load."""

    def __init__(self, loop: asyncio.AbstractEventLoop, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.complaints: list[str] = []
        self._loop = loop
        self._socket = socket
        self._number = 0
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")
        nowhere = {"offline": True, "latency": 0, "downloadThroughput": 0, "uploadThroughput": 0}
        self.call("Network.emulateNetworkConditions", **nowhere)

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Calls a method of the protocol and returns its answer."""
        return self._loop.run_until_complete(asyncio.wait_for(self._call(method, parameters), PATIENCE))

    async def _call(self, method: str, parameters: dict[str, Any]) -> dict[str, Any]:
        self._number += 1
        await self._socket.send_json({"id": self._number, "method": method, "params": parameters})
        while (message := await self._socket.receive_json()).get("id") != self._number:
            self._listen(message)
        assert "error" not in message, message
        found: dict[str, Any] = message["result"]
        return found

    def _listen(self, message: dict[str, Any]) -> None:
        event, method = message.get("params", {}), message.get("method")
        if method == "Runtime.exceptionThrown":
            details = event["exceptionDetails"]
            self.complaints.append(details.get("exception", {}).get("description") or details["text"])
        elif method == "Runtime.consoleAPICalled":
            self.complaints.append(f"{event['type']}: {[one.get('value') for one in event['args']]}")
        elif method == "Log.entryAdded":
            self.complaints.append(event["entry"]["text"])
        elif method == "Network.requestWillBeSent" and not event["request"]["url"].startswith(("file:", "data:")):
            self.complaints.append(f"asks for {event['request']['url']}")

    def evaluate(self, expression: str) -> Any:
        """Returns the value of a JavaScript expression in the page; waits for a promise."""
        answer = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def look_like(self, *, width: int = 1280, height: int = 900, dark: bool = False) -> None:
        """Sets the size of the screen, and light or dark mode."""
        phone = width < 600
        size = {"width": width, "height": height, "deviceScaleFactor": 2 if phone else 1, "mobile": phone}
        self.call("Emulation.setDeviceMetricsOverride", **size)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.call("Emulation.setEmulatedMedia", features=[scheme])

    def open(self, path: Path) -> None:
        """Opens a file and waits until it is drawn."""
        self.call("Page.navigate", url=path.as_uri())
        self.wait_for("document.readyState === 'complete' && (document.body.dataset.shown || !empty.hidden)")

    def choose(self, scope: int, period: int) -> None:
        """Sets the filters as a reader does, and waits until the page is drawn again."""
        self.evaluate(f"""
            document.getElementById('scope').value = '{scope}';
            document.querySelector('#periods input[value="{period}"]').checked = true;
            document.getElementById('filters').dispatchEvent(new Event('change'));
        """)
        self.wait_for(f"document.body.dataset.shown === '{scope}/{period}'")

    def wait_for(self, expression: str) -> None:
        """Waits until an expression is true."""
        end = time.monotonic() + PATIENCE
        while not self.evaluate(f"!!({expression})"):
            assert time.monotonic() < end, f"{expression} did not come true; {self.complaints}"
            time.sleep(0.02)

    def screenshot(self, path: Path) -> None:
        """Saves the whole page as a picture, for people."""
        answer = self.call("Page.captureScreenshot", captureBeyondViewport=True)
        path.write_bytes(base64.b64decode(answer["data"]))


@contextmanager
def browsing() -> Iterator[Browser]:
    """A browser for the block, with a profile of its own."""
    assert PROGRAM
    loop = asyncio.new_event_loop()
    with tempfile.TemporaryDirectory(prefix="chromium-", ignore_cleanup_errors=True) as profile:
        options = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run"]
        where = [f"--user-data-dir={profile}", "--remote-debugging-port=0", "about:blank"]
        process = subprocess.Popen([PROGRAM, *options, *where], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        session = loop.run_until_complete(_session())
        try:
            socket = loop.run_until_complete(_connected(session, Path(profile)))
            yield Browser(loop, socket)
        finally:
            loop.run_until_complete(session.close())
            loop.close()
            process.terminate()
            process.wait(10)


async def _session() -> aiohttp.ClientSession:
    return aiohttp.ClientSession()


async def _connected(session: aiohttp.ClientSession, profile: Path) -> aiohttp.ClientWebSocketResponse:
    """Returns the debugging socket of the tab; a file of the profile has the port."""
    end = time.monotonic() + PATIENCE
    while not (profile / "DevToolsActivePort").exists() or not (port := _port(profile)):
        assert time.monotonic() < end, "chromium did not start"
        await asyncio.sleep(0.05)
    async with session.get(f"http://127.0.0.1:{port}/json") as answer:
        tabs = await answer.json()
    address = next(tab["webSocketDebuggerUrl"] for tab in tabs if tab["type"] == "page")
    return await session.ws_connect(address, max_msg_size=0)


def _port(profile: Path) -> str:
    return (profile / "DevToolsActivePort").read_text().partition("\n")[0]
