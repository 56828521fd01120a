"""Sign in and consent with a real browser: `make browser` starts Chromium, headless, and clicks its buttons.

The commands run in processes of their own against an emulator, open the browser as they do for a person (BROWSER), and
are answered by a click of the mouse, sent over the DevTools protocol.
"""

import asyncio
import json
import os
import shlex
import shutil
import sys
import tempfile
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp

from bentley_sync_async.emulator import Emulator

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
COMMAND = (sys.executable, "-m", "bentley_sync_async.cli")
TIMEOUT = 120.0  # seconds for everything


class Tab:
    """A page of the browser."""

    def __init__(self, socket):
        self._socket, self._number = socket, 0

    async def call(self, method, **params):
        self._number += 1
        await self._socket.send_json({"id": self._number, "method": method, "params": params})
        while True:
            message = await self._socket.receive_json()
            if message.get("id") == self._number:
                return message.get("result", {})  # none while a page goes and another one comes

    async def evaluate(self, expression):
        return (await self.call("Runtime.evaluate", expression=expression)).get("result", {}).get("value")

    async def until(self, title):
        """Wait until the page with this title is there."""
        while await self.evaluate("document.readyState === 'complete' && document.title") != title:
            await asyncio.sleep(0.1)

    async def click(self, selector):
        """Click into the middle of an element, as a mouse does."""
        box = await self.evaluate(
            f"(() => {{ const e = document.querySelector({json.dumps(selector)}); e.scrollIntoView();"
            " const b = e.getBoundingClientRect(); return `${b.x + b.width / 2} ${b.y + b.height / 2}`; })()"
        )
        x, y = map(float, box.split())
        for kind in ("mousePressed", "mouseReleased"):
            await self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)


@asynccontextmanager
async def tab_of(folder):
    """Attach to the browser that a command has started with this folder, and close it at the end."""
    port_file = folder / "DevToolsActivePort"
    while not port_file.exists() or len(port_file.read_text().splitlines()) < 2:
        await asyncio.sleep(0.1)
    port = port_file.read_text().splitlines()[0]
    async with aiohttp.ClientSession() as session:
        pages = []
        while not pages:
            async with session.get(f"http://127.0.0.1:{port}/json/list") as answer:
                pages = [page for page in await answer.json() if page["type"] == "page"]
        async with session.ws_connect(pages[0]["webSocketDebuggerUrl"]) as socket:
            tab = Tab(socket)
            try:
                yield tab
            finally:
                await socket.send_json({"id": 0, "method": "Browser.close"})


@asynccontextmanager
async def command(home, chromium, emulator, *args):
    """Start a command whose browser is Chromium; yield the process and the browser's page."""
    folder = Path(tempfile.mkdtemp(dir=home))
    options = ("--headless=new", "--no-sandbox", "--remote-debugging-port=0", f"--user-data-dir={folder}")
    environment = {name: text for name, text in os.environ.items() if not name.startswith("BENTLEY_SYNC_")} | {
        "BENTLEY_SYNC_BASE_URL": emulator.url,
        "BENTLEY_SYNC_CONFIG": str(home / "config.toml"),
        "XDG_STATE_HOME": str(home),
        "PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring",
        "BROWSER": f"{shlex.join([chromium, *options])} %s",
    }
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(*COMMAND, *args, env=environment, stdout=pipe, stderr=pipe)
    async with tab_of(folder) as tab:
        yield process, tab


async def said(process):
    out, err = await process.communicate()
    if process.returncode != 0:
        raise SystemExit(f"exit status {process.returncode}: {out.decode()}{err.decode()}")
    return out.decode().strip()


async def check(chromium, home, emulator):
    application = ("--client-id", emulator.settings.native_client_id, "--redirect-uri", "http://localhost/back")
    async with command(home, chromium, emulator, "auth", "login", *application) as (process, tab):
        await tab.until("Sign in")
        await tab.click("button[value=allow]")
        await tab.until("Back to the terminal")
        text = await said(process)
    assert "Signed in as Jane Doe (jane.doe@example.com)" in text, text
    print(text)

    async with command(home, chromium, emulator, "auth", "consent") as (process, tab):
        while await tab.evaluate("location.href") == "about:blank":
            await asyncio.sleep(0.1)
        if await tab.evaluate("document.querySelector('button') !== null"):
            await tab.click("button")
        line = await said(process)
    assert line == "The service works for you now.", line
    print(line)


async def main():
    chromium = next(filter(None, map(shutil.which, BROWSERS)), None)
    if chromium is None:
        print("Chromium is not installed. On Debian: apt-get install chromium")
        return 1
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as home:
        async with Emulator() as emulator, asyncio.timeout(TIMEOUT):
            await check(chromium, Path(home), emulator)
    print("passed")
    return 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
