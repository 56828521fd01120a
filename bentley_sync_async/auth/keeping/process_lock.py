"""A lock between processes, which the operating system releases when its process ends."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import anyio

from bentley_sync_async.errors import ConfigurationError

from .stores import private_folder, short_name, state_folder

_EVERY = 0.05  # seconds between attempts


@asynccontextmanager
async def process_lock(key: str) -> AsyncGenerator[None]:
    """Hold the lock of the key; wait while another task or process holds it.

    Raises:
        ConfigurationError: The lock's file cannot be made.
    """
    from filelock import FileLock, Timeout  # noqa: PLC0415 - of the extra `login`

    try:
        lock = FileLock(private_folder(state_folder()) / f"sign-in-{short_name(key)}.lock", mode=0o600)
        while True:
            try:
                lock.acquire(blocking=False)
                break
            except Timeout:
                await anyio.sleep(_EVERY)
    except OSError as exc:
        raise ConfigurationError(f"{state_folder()} cannot hold a lock: {exc.strerror or exc}.") from exc
    try:
        yield
    finally:
        lock.release()
