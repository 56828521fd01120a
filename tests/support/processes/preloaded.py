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
from typing import Any

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
    list(import_module("bentley_sync_async.cli.verbs.registry").all_verbs())
    client = import_module("bentley_sync_async").SynchronizationClient("token")
    for product in _PRODUCTS:
        getattr(client, product)


def measured(data_file: str | None) -> Any:
    """Measure the coverage of this process and its forks, each to a file of its own; `None` if nobody asks for it."""
    if data_file is None:
        return None
    coverage = import_module("coverage").Coverage(data_file=data_file, data_suffix=True)
    coverage.start()
    return coverage


def run(order: dict[str, Any], coverage: Any) -> None:
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
        if coverage is not None:
            coverage.stop()
            coverage.save()
        os._exit(code)


def main() -> None:
    """Serve commands until the orders end."""
    coverage = measured(next(iter(sys.argv[1:]), None))
    load()
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            run(json.loads(line), coverage)
        _, status = os.waitpid(child, 0)
        sys.stdout.write(f"{os.waitstatus_to_exitcode(status)}\n")
        sys.stdout.flush()
    if coverage is not None:
        coverage.stop()
        coverage.save()


if __name__ == "__main__":
    main()
