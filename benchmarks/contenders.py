"""The client and its peers, each as a watch that never ends: it polls, waits, and polls again.

All share one connection pool for all their watches and send the same headers. A peer that is not installed is left out.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from importlib.util import find_spec

import aiohttp
import msgspec
from yarl import URL

from bentley_sync_async import LearnedPacing, RateTier, RunRef, SynchronizationClient
from bentley_sync_async.pacing import PollContext

from .canned import CONNECTION_ID

Wait = Callable[[], float]
Watch = Callable[[int], Awaitable[None]]
Contender = Callable[[str, str, Wait], AbstractAsyncContextManager[Watch]]
"""Takes the server's origin, size and kind of the runs, and what says how long to wait; makes a watch of a number."""

_TOKEN = "a-token-as-long-as-tokens-are-not"
_HEADERS = {"Authorization": f"Bearer {_TOKEN}", "Accept": "application/vnd.bentley.itwin-platform.v1+json"}
_TIER = RateTier(name="Wide", per_minute=10**6, per_hour=10**7)  # counted like any other, and never used up
_CONNECTION = f"/synchronization/imodels/storageconnections/{CONNECTION_ID}"


class _Paced:
    """Reckons as a watch does by default, and then waits as long as the benchmark says."""

    def __init__(self, wait: Wait) -> None:
        self._default = LearnedPacing()
        self.demand = self._default.demand
        self._wait = wait

    def delay(self, context: PollContext) -> float:
        self._default.delay(context)
        return self._wait()


def _client(origin: str) -> SynchronizationClient:
    return SynchronizationClient(_TOKEN, base_url=origin, rate_tier=_TIER)


def _session() -> aiohttp.ClientSession:
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=100), cookie_jar=aiohttp.DummyCookieJar(), headers=_HEADERS
    )


@asynccontextmanager
async def ours(origin: str, runs: str, wait: Wait) -> AsyncGenerator[Watch]:
    """Follow a run with `client.attach` and take every event."""
    pacing = _Paced(wait)
    async with _client(origin) as client:

        async def watch(number: int) -> None:
            ref = RunRef(connection_id=CONNECTION_ID, run_id=f"{runs}-{number:08}")
            async for _ in client.attach(ref, pacing=pacing):
                pass

        yield watch


@asynccontextmanager
async def triggers(origin: str, _runs: str, wait: Wait) -> AsyncGenerator[Watch]:
    """Trigger with `client.storage_connections.runs.trigger`."""
    async with _client(origin) as client:

        async def trigger(number: int) -> None:
            while True:
                await client.storage_connections.runs.trigger(f"{number:08}")
                await asyncio.sleep(wait())

        yield trigger


@asynccontextmanager
async def bare(origin: str, runs: str, wait: Wait) -> AsyncGenerator[Watch]:
    """GET with aiohttp and throw the body away."""
    async with _session() as session:

        async def watch(number: int) -> None:
            url = URL(f"{origin}{_CONNECTION}/runs/{runs}-{number:08}")
            while True:
                async with session.get(url) as answer:
                    async for _ in answer.content.iter_any():
                        pass
                await asyncio.sleep(wait())

        yield watch


@asynccontextmanager
async def posts(origin: str, _runs: str, wait: Wait) -> AsyncGenerator[Watch]:
    """POST with aiohttp and read the Location."""
    async with _session() as session:

        async def post(number: int) -> None:
            url = URL(f"{origin}/synchronization/imodels/storageconnections/{number:08}/run")
            while True:
                async with session.post(url, allow_redirects=False) as answer:
                    await answer.read()
                    assert answer.headers["Location"]
                await asyncio.sleep(wait())

        yield post


@asynccontextmanager
async def msgspec_loop(origin: str, runs: str, wait: Wait) -> AsyncGenerator[Watch]:
    """GET with aiohttp, decode with msgspec, read the state: the loop that one writes by hand."""
    async with _session() as session:

        async def state(url: URL) -> str:  # of its own, as a name for the answer would keep it while the watch sleeps
            async with session.get(url) as answer:
                found: str = msgspec.json.decode(await answer.read())["run"]["state"]
                return found

        async def watch(number: int) -> None:
            url = URL(f"{origin}{_CONNECTION}/runs/{runs}-{number:08}")
            while await state(url) != "Completed":  # noqa: ASYNC110 - what it waits for is on a server
                await asyncio.sleep(wait())

        yield watch


@asynccontextmanager
async def azure(origin: str, runs: str, wait: Wait) -> AsyncGenerator[Watch]:
    """Await an `AsyncLROPoller` on azure-core's aiohttp transport, with the policies of a generated SDK."""
    # ruff: noqa: PLC0415 - a peer may not be installed
    from azure.core import AsyncPipelineClient
    from azure.core.pipeline import policies
    from azure.core.polling import AsyncLROPoller
    from azure.core.polling.async_base_polling import AsyncLROBasePolling
    from azure.core.rest import HttpRequest

    class Polling(AsyncLROBasePolling):
        def _extract_delay(self) -> float:
            super()._extract_delay()
            return wait()

    chain = [
        policies.RequestIdPolicy(),
        policies.HeadersPolicy(_HEADERS),
        policies.UserAgentPolicy("benchmarks"),
        policies.ProxyPolicy(),
        policies.ContentDecodePolicy(),
        policies.AsyncRedirectPolicy(),
        policies.AsyncRetryPolicy(),
        policies.CustomHookPolicy(),
        policies.NetworkTraceLoggingPolicy(),
        policies.DistributedTracingPolicy(),
        policies.HttpLoggingPolicy(),
    ]
    runs = f"{runs.partition('-')[0]}-azure"
    async with AsyncPipelineClient(origin, policies=chain) as client:

        async def watch(number: int) -> None:
            request = HttpRequest("POST", f"{origin}/azure/{runs}-{number:08}")
            first = await client.send_request(request, _return_pipeline_response=True)
            await AsyncLROPoller(client, first, lambda _: None, Polling())

        yield watch


@asynccontextmanager
async def openai(origin: str, runs: str, wait: Wait) -> AsyncGenerator[Watch]:
    """Await openai-python's poll helper of file batches, on its aiohttp transport."""
    from openai import AsyncOpenAI, DefaultAioHttpClient

    runs = f"{runs.partition('-')[0]}-openai"
    async with (
        DefaultAioHttpClient() as http,
        AsyncOpenAI(api_key=_TOKEN, base_url=f"{origin}/openai", http_client=http) as client,
    ):

        async def watch(number: int) -> None:
            await client.vector_stores.file_batches.poll(
                f"{runs}-{number:08}", vector_store_id="vs", poll_interval_ms=int(1000 * wait())
            )

        yield watch


WATCHES: dict[str, Contender] = {
    "ours": ours,
    "azure-core": azure,
    "openai": openai,
    "msgspec": msgspec_loop,
    "bare": bare,
}
"""Who can hold many watches, by name."""

PEERS = {"azure-core": "azure.core", "openai": "openai", "pydantic": "pydantic", "uvloop": "uvloop"}
"""What may not be installed, by name, with its module; the extra `bench` has it."""


def installed(name: str) -> bool:
    """Return whether a contender can be measured here."""
    try:
        return name not in PEERS or find_spec(PEERS[name]) is not None
    except ModuleNotFoundError:  # not even the package that its module is in
        return False
