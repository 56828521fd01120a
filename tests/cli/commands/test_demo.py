import io
import re

import anyio.to_thread
import pytest
from rich.console import Console
from support.bulk import in_place

import bentley_sync_async.cli.commands.demo as module
from bentley_sync_async import ConfigurationError, ProtocolError, SynchronizationClient
from bentley_sync_async.cli.exit_codes import ExitCode


@pytest.fixture(autouse=True)
def no_threads(monkeypatch):
    """A virtual clock runs on by minutes while a thread works."""
    monkeypatch.setattr(anyio.to_thread, "run_sync", in_place)


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
    assert len(first) == 3 + 7 + 4 + 3 + 2  # triggers, files, jobs, runs; triggers of the two publishes


async def test_the_demo_publishes_three_files_and_then_the_one_that_was_changed():
    first, second = re.findall(r"^3 files: .*? run, ", await story(), re.MULTILINE)
    assert first == "3 files: 3 uploaded (104 B); 1 run, "
    assert second == "3 files: 2 unchanged, 1 uploaded (46 B); 1 run, "


async def test_the_demo_without_the_extra_for_uploads_says_how_to_install_it(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    text = await story()
    assert "pip install '.[cli,publish]'" in text
    assert "3 files: " not in text


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
