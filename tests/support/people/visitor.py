"""A person at a browser in the event loop of a test."""

from urllib.parse import parse_qsl, urljoin, urlsplit

import aiohttp
import anyio
import anyio.lowlevel
from support.people.browser import Form

from bentley_sync_async.emulator import Emulator


class MemoryStore:
    """A store of sign-ins in this process."""

    place = "the memory"

    def __init__(self):
        self.texts = {}

    def load(self, key):
        return self.texts.get(key)

    def save(self, key, text):
        self.texts[key] = text

    def delete(self, key):
        self.texts.pop(key, None)


def parameters(url):
    return dict(parse_qsl(urlsplit(url).query, strict_parsing=True))


async def visit(url, press="allow"):
    """Visit a page and press a button of its form; return the status and the text of the page after that."""
    async with aiohttp.ClientSession() as session:
        async with session.get(url) as answer:
            status, page, place = answer.status, await answer.text(), str(answer.url)
        form = Form(page)
        if form.action is None:
            return status, page
        async with session.post(urljoin(place, form.action), data=form.pressed(press)) as answer:
            return answer.status, await answer.text()


class Visitor:
    """Somebody who is shown URLs, and does something with each in a task of their own.

    Attributes:
        urls: The URLs that were shown.
        seen: What the browser showed.
    """

    def __init__(self, group, act=visit):
        self._group, self._act = group, act
        self.urls, self.seen = [], []

    def __call__(self, url):
        self.urls.append(url)
        self._group.start_soon(self._go, url)

    async def _go(self, url):
        self.seen.append(await self._act(url))


async def nothing(_url):
    await anyio.lowlevel.checkpoint()


def emulator(**options):
    return Emulator(**{"error_rate": 0.0, "retry_rate": 0.0, "accept_window": 0.0} | options)
