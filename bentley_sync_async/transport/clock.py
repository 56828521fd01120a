"""The event loop's clock, which all code here uses."""

from asyncio import get_running_loop


def current_time() -> float:
    """Return the time in seconds: `anyio.current_time` without its check which event loop library is running."""
    return get_running_loop().time()
