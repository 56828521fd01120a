"""A process that has loaded the command line, and forks a new one for each command: it starts in no time.

It reads a JSON object a line (argv, env, cwd, and files for stdin, stdout and stderr) and answers with the exit code.
Where a process cannot fork, tests run `python -m bentley_sync_async.cli` itself.
"""

import json
import os
import runpy
import sys
from contextlib import suppress
from importlib import import_module

from bentley_sync_async import SynchronizationClient
from bentley_sync_async.cli.verbs.registry import all_verbs

_MODULES = (
    "asyncio.runners",
    "anyio._backends._asyncio",
    "azure.storage.blob.aio",
    "bentley_sync_async.cli.app",
    "bentley_sync_async.cli.commands.run",
    "bentley_sync_async.cli.verbs.execute",
    "bentley_sync_async.cli.work.connections",
    "bentley_sync_async.cli.work.storage",
    "rich.live",
    "typer._adapters",  # of newer versions
)
_PRODUCTS = ("storage", "imodels", "itwins", "webhooks", "reports", "configurations", "manifest_connections")


def load() -> None:
    """Import what any command needs."""
    for module in _MODULES:
        with suppress(ModuleNotFoundError):
            import_module(module)
    list(all_verbs())
    client = SynchronizationClient("token")
    for product in _PRODUCTS:
        getattr(client, product)


def run(order: dict) -> None:
    """Be the process of a command, and end."""
    for descriptor, (name, flags) in enumerate(
        [("stdin", os.O_RDONLY), ("stdout", os.O_WRONLY), ("stderr", os.O_WRONLY)]
    ):
        os.dup2(os.open(order[name], flags), descriptor)
    sys.stdin, sys.stdout, sys.stderr = open(0), open(1, "w"), open(2, "w")  # noqa: SIM115
    os.chdir(order["cwd"])
    os.environ.clear()
    os.environ.update(order["env"])
    sys.argv = ["bentley-sync", *order["argv"]]
    code = 1
    try:
        runpy.run_module("bentley_sync_async.cli", run_name="__main__", alter_sys=True)
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else 1 if ended.code else 0
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def main() -> None:
    """Serve commands until the orders end."""
    load()
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            run(json.loads(line))
        _, status = os.waitpid(child, 0)
        sys.stdout.write(f"{os.waitstatus_to_exitcode(status)}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
