"""Work that has an event loop of its own, beside that of a test."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any


async def in_a_thread(work: Callable[..., Any], *args: Any) -> Any:
    """Return what a function returns in another thread; the loop of the test stands still meanwhile."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(work, *args).result()
