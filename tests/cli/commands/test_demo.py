import io
import re

import pytest
from rich.console import Console

import bentley_sync_async.cli.commands.demo as module
from bentley_sync_async import ConfigurationError, ProtocolError, SynchronizationClient
from bentley_sync_async.cli.exit_codes import ExitCode


async def story():
    """What the demo prints, in virtual time, but for the port, the time of day and the spread of the looks."""
    screen = Console(file=io.StringIO(), width=100)
    await module.show(screen)
    return screen.file.getvalue()


async def test_the_demo_ends_with_a_summary_of_its_three_connections():
    table = (await story()).rpartition("Connection ")[2]
    assert re.findall(r"^ (\w+) +(\w+) +\dm \d\ds", table, re.MULTILINE) == [
        ("Station", "PartialSuccess"),
        ("Platforms", "Success"),
        ("Bridge", "Success"),
    ]


async def test_the_demo_has_the_same_runs_and_results_every_time():
    def told(text):
        return sorted(re.findall(r"triggered run \S+|\S+ completed: .*", text))

    first, second = told(await story()), told(await story())
    assert first == second
    assert len(first) == 3 + 7 + 4 + 3  # triggers, files, jobs, runs


async def test_the_failure_of_one_watch_ends_the_demo(monkeypatch):
    def fail(_client, _connection_id, **_options):
        raise ProtocolError("nonsense")

    monkeypatch.setattr(SynchronizationClient, "watch", fail)
    with pytest.raises(ProtocolError, match="nonsense"):
        await story()


@pytest.mark.parametrize(
    ("failure", "code"),
    [
        (None, ExitCode.SUCCESS),
        (ConfigurationError("no port"), ExitCode.USAGE),
        (ProtocolError("nonsense"), ExitCode.ERROR),
        (KeyboardInterrupt(), ExitCode.DETACHED),
    ],
)
def test_the_end_of_the_demo_decides_its_code(failure, code, monkeypatch):
    def ended(*_args, **_options):
        if failure is not None:
            raise failure

    monkeypatch.setattr(module.anyio, "run", ended)
    assert module.run_demo() == code
