"""The event loop's clock, which all code here uses."""

from asyncio import AbstractEventLoop, get_running_loop


def current_time() -> float:
    """Return the time in seconds: `anyio.current_time` without its check which event loop library is running."""
    return get_running_loop().time()


def running_loop() -> AbstractEventLoop | None:
    """Return the event loop that is running in this thread; `None` if none is."""
    try:
        return get_running_loop()
    except RuntimeError:
        return None
