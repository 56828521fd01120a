"""Fixtures for pytest: an emulator and a client of it, in virtual time.

    pytest_plugins = ["bentley_sync_async.testing.plugin"]  # in the root's conftest.py, or in a test module

They need pytest-asyncio, and looptime for virtual time (the extra `testing` brings both): the clock of the test's
event loop jumps to the next timer whenever nothing is ready, so that hours of a run pass in milliseconds. Without
looptime, or with `@pytest.mark.looptime(False)` or `--no-looptime`, time is real, and a run is over almost at once.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import AbstractContextManager, AsyncExitStack, ExitStack, asynccontextmanager, contextmanager

import pytest
import pytest_asyncio

from bentley_sync_async.auth import ClientCredentials
from bentley_sync_async.client import SynchronizationClient
from bentley_sync_async.emulator import Emulator, Options
from bentley_sync_async.errors import ConfigurationError

_REAL_TIME_SPEED = 1e7  # an hour of a run in 0.36 ms: it is over when a watch first looks

_Switch = Callable[[], AbstractContextManager[None]]
_HELD = pytest.StashKey[tuple[ExitStack, _Switch]]()


@pytest.fixture
def synchronization_options() -> Options:
    """Options for the emulator, nothing by default: a test module or class that wants any overrides this fixture."""
    return {}


@pytest_asyncio.fixture
async def synchronization_emulator(
    request: pytest.FixtureRequest, synchronization_options: Options
) -> AsyncGenerator[Emulator]:
    """A running emulator of the service, whose runs succeed unless they are scripted otherwise."""
    _refuse_another_loop(request.node)
    stack = AsyncExitStack()
    yield await stack.enter_async_context(_emulated(request.node, synchronization_options))
    await stack.aclose()


@pytest_asyncio.fixture
async def synchronization_client(synchronization_emulator: Emulator) -> AsyncGenerator[SynchronizationClient]:
    """A client of `synchronization_emulator`, which signs in as its service application."""
    credentials = ClientCredentials(synchronization_emulator.client_id, synchronization_emulator.client_secret)
    client = SynchronizationClient(credentials, base_url=synchronization_emulator.url)
    stack = AsyncExitStack()
    yield await stack.enter_async_context(client)
    await stack.aclose()


@asynccontextmanager
async def _emulated(item: pytest.Item, options: Options) -> AsyncGenerator[Emulator]:
    with _virtual_time(item) as virtual:
        plain: Options = {"error_rate": 0.0, "retry_rate": 0.0, "speed": 1.0 if virtual else _REAL_TIME_SPEED}
        try:
            emulator = Emulator(**(plain | options))
        except ConfigurationError as error:
            said = f"synchronization_options: {error}"
            raise pytest.fail.Exception(said, pytrace=False) from None  # else it would be said twice
        async with emulator:
            yield emulator


def _refuse_another_loop(item: pytest.Item) -> None:
    mark = item.get_closest_marker("asyncio")
    if mark is None:
        return
    test = mark.kwargs.get("loop_scope") or item.config.getini("asyncio_default_test_loop_scope")
    fixtures = item.config.getini("asyncio_default_fixture_loop_scope")
    if fixtures in {None, "", "fixture-scope"}:
        fixtures = "function"  # the scope of the fixtures here
    if test != fixtures:
        pytest.fail(
            f"The test runs in an event loop of its {test}, and the fixtures in that of its {fixtures}, so nothing "
            f'would answer. Set asyncio_default_fixture_loop_scope = "{test}", or mark the test with '
            f'@pytest.mark.asyncio(loop_scope="{fixtures}").',
            pytrace=False,
        )


# looptime makes time virtual for the body of a test only. In the fixtures the clock would be another one, by hours, and
# what they have started would be long over in the test, or not begin for hours. So time is virtual from the emulator's
# start to its end, but for the moment in which looptime switches it on by itself: it refuses to do so twice.


@contextmanager
def _virtual_time(item: pytest.Item) -> Generator[bool]:
    loop = asyncio.get_running_loop()
    switch: _Switch | None = getattr(loop, "looptime_enabled", None)
    if switch is None or not _wants_virtual_time(item):
        yield False
    elif getattr(loop, "looptime_on", False):  # a loop of the user's own making
        yield True
    else:
        item.add_marker("looptime")
        with ExitStack() as held:
            held.enter_context(switch())
            item.stash[_HELD] = held, switch
            yield True


def _wants_virtual_time(item: pytest.Item) -> bool:
    said = [mark.args[0] for mark in item.iter_markers("looptime") if mark.args]
    return item.config.getoption("looptime", None) is not False and (not said or bool(said[0]))


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> Generator[None, object, object]:
    """Leave it to looptime to make time virtual for the test itself."""
    if _HELD not in pyfuncitem.stash:
        return (yield)
    held, switch = pyfuncitem.stash[_HELD]
    held.close()
    try:
        return (yield)
    finally:
        held.enter_context(switch())
