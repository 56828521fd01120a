"""Azurite, in a process of its own."""

from __future__ import annotations

import os
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager
from functools import partial
from pathlib import Path

import pytest

from tests.node.azurite.bench import ACCOUNT, KEY, Bench, bench
from tests.node.packages import installed, missing

OPTIONS = "--inMemoryPersistence --blobHost 127.0.0.1 --skipApiVersionCheck --silent --disableTelemetry"


@pytest.fixture(scope="session")
def azurite() -> Iterator[int]:
    """The port of a running Azurite."""
    if (problem := missing()) is not None:
        pytest.skip(problem)
    folder = installed(Path(__file__).parent)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    script = folder / "node_modules/azurite/dist/src/blob/main.js"
    command = ["node", str(script), *OPTIONS.split(), "--blobPort", str(port)]
    with subprocess.Popen(command, cwd=folder, env=os.environ | {"AZURITE_ACCOUNTS": f"{ACCOUNT}:{KEY}"}) as process:
        try:
            _wait(process, port)
            yield port
        finally:
            process.terminate()


def _wait(process: subprocess.Popen[bytes], port: int) -> None:
    for _ in range(600):
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except OSError:
            assert process.poll() is None, "Azurite has ended."
            time.sleep(0.1)
        else:
            return
    raise TimeoutError("Azurite does not answer.")


@pytest.fixture
def serving(azurite: int) -> Callable[..., AbstractAsyncContextManager[Bench]]:
    """`bench` with the port of Azurite."""
    return partial(bench, azurite)
