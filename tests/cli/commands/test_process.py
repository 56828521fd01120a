import re
import runpy
import shlex
import signal
import socket
import subprocess
import sys

import pytest
from support.served import COMMAND, environment, served, settings

import bentley_sync_async.cli as package
from bentley_sync_async import __version__
from bentley_sync_async.cli.exit_codes import ExitCode
from bentley_sync_async.emulator import RunRule

# A shell may start its children with SIGINT ignored, and they would inherit that.
PROGRAM = """
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)
from bentley_sync_async.cli import main
sys.exit(main())
"""
INTERRUPTIBLE = (sys.executable, "-c", PROGRAM)


def started(variables, *args):
    return subprocess.Popen(
        [*INTERRUPTIBLE, *args],
        env=environment(variables),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def ended(*command, **variables):
    return subprocess.run(
        command, env=environment(settings(**variables)), capture_output=True, text=True, timeout=30, check=False
    )


def test_the_demo_shows_a_synchronization_from_events_alone():
    # One test, as it takes the demo's real seconds.
    demo = ended(*COMMAND, "demo")
    assert (demo.returncode, demo.stderr) == (0, "")
    story, table = re.split("^ Connection .*$", demo.stdout, maxsplit=1, flags=re.MULTILINE)

    waits = re.search(r"Platforms +waiting for the iModel, which is busy with run (\w+) of Station", story)
    assert f"Station    triggered run {waits[1]}" in story[: waits.start()]
    assert story.index("Bridge     triggered run") < story.index(" -> ")
    assert waits.start() < story.index("Platforms  triggered run")
    assert "piers.ifc: retry 1" in story
    assert "survey.dwg completed: Error, SourceFileCorrupted" in story

    table, publishes = re.split("^Three files of a folder", table, maxsplit=1, flags=re.MULTILINE)
    assert publishes.count(" uploaded (") == 3 + 2 + 1

    assert re.findall(r"^ (\w+) +(\w+) +\dm \d\ds", table, re.MULTILINE) == [
        ("Station", "PartialSuccess"),
        ("Platforms", "Success"),
        ("Bridge", "Success"),
    ]
    assert re.search(r"survey\.dwg +SourceFileCorrupted +yes \(1\)", table)
    assert re.search(r"^\(1\) https://\S+KB\S+$", table, re.MULTILINE)
    real, how = demo.stdout.splitlines()[-2:]
    assert "BENTLEY_SYNC_CLIENT_ID" in real
    assert how.endswith("bentley-sync run CONNECTION_ID")


@pytest.mark.parametrize(("sign", "code"), [(signal.SIGINT, ExitCode.DETACHED), (signal.SIGTERM, ExitCode.TERMINATED)])
def test_a_signal_detaches_and_says_how_to_attach_again(sign, code):
    with served() as service:
        service.emulator.add_run_rule(RunRule(waiting=36_000))
        with started(service.variables, "run", service.emulator.add_connection()) as process:
            while "run: " not in process.stdout.readline():
                pass
            process.send_signal(sign)
            _, said = process.communicate(timeout=30)
        [run] = service.emulator.runs
        url = service.emulator.url + run.path
    assert process.returncode == code
    assert (
        said
        == f"Detached. The run goes on: the API cannot cancel it. To follow it again:\n  bentley-sync attach {url}\n"
    )


def test_ctrl_c_before_there_is_a_run_says_how_to_go_on():
    with socket.create_server(("127.0.0.1", 0)) as silent:
        variables = settings(
            BENTLEY_SYNC_BASE_URL=f"http://127.0.0.1:{silent.getsockname()[1]}", BENTLEY_SYNC_TOKEN="token"
        )
        with started(variables, "run", "connection", "--json") as process:
            silent.settimeout(30)
            with silent.accept()[0]:
                process.send_signal(signal.SIGINT)
                _, said = process.communicate(timeout=30)
    assert process.returncode == ExitCode.DETACHED
    assert shlex.split(said.splitlines()[-1]) == ["bentley-sync", "run", "connection", "--json"]


def test_sigterm_ends_the_demo_as_ctrl_c_does():
    with started(settings(), "demo") as process:
        process.stdout.readline()
        process.send_signal(signal.SIGTERM)
        _, said = process.communicate(timeout=30)
    assert process.returncode == ExitCode.TERMINATED
    assert said.startswith("Detached. ")
    assert said.count("\n") == 1


@pytest.mark.parametrize("form", [["--json"], []], ids=["json", "plain"])
def test_a_reader_that_goes_away_detaches(form):
    with served() as service:
        service.emulator.add_run_rule(RunRule(waiting=36_000))
        with started(service.variables, "run", service.emulator.add_connection(), *form) as process:
            process.stdout.close()
            said = process.stderr.read()
            process.wait(timeout=30)
        [run] = service.emulator.runs
    assert process.returncode == ExitCode.DETACHED
    assert said.startswith("Detached. The run goes on: the API cannot cancel it.")
    assert said.endswith(f"{shlex.join(['bentley-sync', 'attach', service.emulator.url + run.path, *form])}\n")


def test_a_reader_of_the_demo_that_goes_away_is_no_traceback():
    with started(settings(), "demo") as process:
        process.stdout.close()
        said = process.stderr.read()
        process.wait(timeout=30)
    assert process.returncode == ExitCode.DETACHED
    assert said.startswith("Detached. ")
    assert said.count("\n") == 1


def test_the_help_does_not_load_the_emulator():
    program = "import sys; from bentley_sync_async.cli import main\ntry: main()\nfinally: print(*sys.modules)"
    loaded = ended(sys.executable, "-c", program, "--help").stdout.splitlines()[-1].split()
    assert "bentley_sync_async.cli.app" in loaded
    assert [name for name in loaded if name.startswith(("bentley_sync_async.emulator", "rich.live"))] == []


def test_the_module_runs_the_command(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["bentley-sync", "--version"])
    with pytest.raises(SystemExit) as ended:
        runpy.run_module("bentley_sync_async.cli", run_name="__main__")
    assert (ended.value.code, capsys.readouterr().out) == (0, f"{__version__}\n")


@pytest.mark.parametrize("missing", ["typer", "rich"])
def test_without_its_extra_the_command_says_what_to_install(missing, monkeypatch, capsys):
    for name in [name for name in sys.modules if name.startswith("bentley_sync_async.cli.")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, missing, None)
    assert package.main() == ExitCode.USAGE
    [line] = capsys.readouterr().err.splitlines()
    assert line == f"bentley-sync needs {missing}. From the clone: pip install '.[cli]'"


def test_another_missing_module_is_no_matter_of_the_extra(monkeypatch):
    for name in [name for name in sys.modules if name.startswith("bentley_sync_async.cli.")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "enum", None)
    with pytest.raises(ModuleNotFoundError, match="enum"):
        package.main()
