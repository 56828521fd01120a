"""pytest fixtures: an emulator and a client of it, in virtual time.

    pytest_plugins = ["bentley_sync_async.testing.plugin"]  # in the root's conftest.py, or in a test module

The fixtures need pytest-asyncio, and looptime for virtual time (the extra `testing` installs both): the clock of the
test's event loop jumps to the next timer whenever nothing is ready, so hours of a run pass in milliseconds. Without
looptime, or with `@pytest.mark.looptime(False)` or `--no-looptime`, time is real, and runs complete almost immediately.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import AbstractContextManager, AsyncExitStack, ExitStack, asynccontextmanager, contextmanager

import pytest
import pytest_asyncio

from bentley_sync_async.auth.client_credentials import ClientCredentials
from bentley_sync_async.client import SynchronizationClient
from bentley_sync_async.emulator import Emulator, Options
from bentley_sync_async.errors import ConfigurationError

_REAL_TIME_SPEED = 1e7  # an hour of a run in 0.36 ms: the run has ended at the first poll of a watch

_EnableVirtualTime = Callable[[], AbstractContextManager[None]]
_VIRTUAL_TIME = pytest.StashKey[tuple[ExitStack, _EnableVirtualTime]]()


@pytest.fixture
def synchronization_options() -> Options:
    """Options for the emulator, none by default; a test module or class overrides this fixture to set some."""
    return {}


@pytest_asyncio.fixture
async def synchronization_emulator(
    request: pytest.FixtureRequest, synchronization_options: Options
) -> AsyncGenerator[Emulator]:
    """A running emulator of the service, whose runs succeed unless rules script them otherwise."""
    _require_one_loop(request.node)
    stack = AsyncExitStack()
    yield await stack.enter_async_context(_emulated(request.node, synchronization_options))
    await stack.aclose()


@pytest_asyncio.fixture
async def synchronization_client(synchronization_emulator: Emulator) -> AsyncGenerator[SynchronizationClient]:
    """A client of `synchronization_emulator`, authenticated as the emulator's service application."""
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
            message = f"synchronization_options: {error}"
            raise pytest.fail.Exception(message, pytrace=False) from None  # pytest would print a cause as well
        async with emulator:
            yield emulator


def _require_one_loop(item: pytest.Item) -> None:
    mark = item.get_closest_marker("asyncio")
    if mark is None:
        return
    test = mark.kwargs.get("loop_scope") or item.config.getini("asyncio_default_test_loop_scope")
    fixtures = item.config.getini("asyncio_default_fixture_loop_scope")
    if fixtures in {None, "", "fixture-scope"}:
        fixtures = "function"  # the scope of the fixtures here
    if test != fixtures:
        pytest.fail(
            f"The test runs in the event loop of its {test}, but the fixtures run in that of its {fixtures}, so the "
            f'emulator could not answer. Set asyncio_default_fixture_loop_scope = "{test}", or mark the test with '
            f'@pytest.mark.asyncio(loop_scope="{fixtures}").',
            pytrace=False,
        )


# looptime makes time virtual in the body of a test only. The clock of the fixtures would differ from it by hours: a run
# that a fixture starts would have ended long before the test, or would not begin for hours. So the emulator's fixture
# enables virtual time from the emulator's start to its end. It disables it for the moment in which looptime enables
# virtual time for the test itself, because looptime refuses to do so twice.


@contextmanager
def _virtual_time(item: pytest.Item) -> Generator[bool]:
    loop = asyncio.get_running_loop()
    enable: _EnableVirtualTime | None = getattr(loop, "looptime_enabled", None)
    if enable is None or not _wants_virtual_time(item):
        yield False
    elif getattr(loop, "looptime_on", False):  # the user's own loop already has virtual time
        yield True
    else:
        item.add_marker("looptime")
        with ExitStack() as virtual_time:
            virtual_time.enter_context(enable())
            item.stash[_VIRTUAL_TIME] = virtual_time, enable
            yield True


def _wants_virtual_time(item: pytest.Item) -> bool:
    arguments = [mark.args[0] for mark in item.iter_markers("looptime") if mark.args]
    return item.config.getoption("looptime", None) is not False and (not arguments or bool(arguments[0]))


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> Generator[None, object, object]:
    """Disable virtual time while looptime enables it for the test itself, and enable it again afterwards."""
    if _VIRTUAL_TIME not in pyfuncitem.stash:
        return (yield)
    virtual_time, enable = pyfuncitem.stash[_VIRTUAL_TIME]
    virtual_time.close()
    try:
        return (yield)
    finally:
        virtual_time.enter_context(enable())
