"""The command `python -m bentley_sync_async.emulator`."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import urllib.request
from concurrent.futures import ThreadPoolExecutor

import anyio
import pytest

from bentley_sync_async import ConnectorType, SourceFileCreate, SynchronizationClient
from bentley_sync_async.emulator import Emulator, Settings
from bentley_sync_async.emulator import __main__ as command_line
from bentley_sync_async.emulator.__main__ import main


def test_it_serves_prints_how_to_call_it_and_ends_on_ctrl_c():
    command = [sys.executable, "-m", "bentley_sync_async.emulator", "--speed", "60", "--tier", "community"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        lines = []
        while not lines or "STORAGE_FILE_ID" not in lines[-1]:
            lines.append(process.stdout.readline())
        banner = "".join(lines)
        url = re.search(r"on (http://127\.0\.0\.1:\d+) \(tier community, speed 60\)", banner)[1]
        token = re.search(r"access token +(\S+)", banner)[1]
        body = re.search(r"-d '(\{.*?\]\})'", banner, re.DOTALL)[1]
        created = urllib.request.Request(
            f"{url}/synchronization/imodels/storageconnections",
            data=body.encode(),
            headers={"Authorization": f"Bearer {token}", "Content-Type": "application/json"},
        )
        with urllib.request.urlopen(created) as answer:
            assert answer.status == 201
            assert json.load(answer)["connection"]["displayName"] == "First light"
        process.send_signal(signal.SIGINT)
        rest, errors = process.communicate(timeout=10)
    assert (process.returncode, errors) == (0, "")
    assert rest.endswith("Stopped.\n")


async def test_a_signal_ends_it_within_a_process(monkeypatch, capsys):
    def print_and_stop(emulator):
        print_banner(emulator)
        signal.raise_signal(signal.SIGINT)

    print_banner = command_line._print_banner
    monkeypatch.setattr(command_line, "_print_banner", print_and_stop)
    await command_line._serve(Emulator(speed=2))
    output = capsys.readouterr().out
    assert "(tier standard, speed 2)" in output
    assert output.endswith("Stopped.\n")


def test_options_are_passed_to_the_emulator(monkeypatch, tmp_path):
    started = []
    monkeypatch.setattr(anyio, "run", lambda _serve, emulator: started.append(emulator.settings))
    path = tmp_path / "night.toml"
    path.write_text("[emulator]\nspeed = 3\nseed = 4")
    assert main(["--scenario", str(path), "--speed", "2", "--tier", "community"]) == 0
    assert main(["--scenario", str(path), "--strict"]) == 0
    assert started == [Settings(seed=4, speed=2, tier="community"), Settings(seed=4, speed=3, strict=True)]


def test_the_folder_of_the_state_is_passed_to_the_emulator(monkeypatch, tmp_path):
    async def enter(emulator, *, exports):
        async with emulator:
            emulator.add_itwin()

    monkeypatch.setattr(command_line, "_serve", enter)
    assert in_a_thread(main, ["--state", str(tmp_path)]) == 0
    assert (tmp_path / "state.json").exists()


def test_without_signal_receivers_ctrl_c_ends_it_as_well(monkeypatch):
    def interrupted(_serve, _emulator):
        raise KeyboardInterrupt

    monkeypatch.setattr(anyio, "run", interrupted)
    assert main([]) == 0


def in_a_thread(call, *args):
    """Call a function that runs an event loop in another thread, because pytest-asyncio has a loop in this one."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(call, *args).result()


def test_a_port_in_use_is_a_one_line_error(capsys):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert in_a_thread(main, ["--port", str(port)]) == 2
    errors = capsys.readouterr().err
    assert errors.startswith(f"http://127.0.0.1:{port} cannot be served: ")
    assert errors.count("\n") == 1


def test_an_invalid_port_is_a_one_line_error(capsys):
    assert main(["--port", "70000"]) == 2
    assert capsys.readouterr().err == "port must be between 0 and 65535, not 70000.\n"


def test_an_invalid_scenario_is_a_one_line_error(tmp_path, capsys):
    path = tmp_path / "night.toml"
    path.write_text("[[runs]]\nqueue = 1")
    assert main(["--scenario", str(path)]) == 2
    assert capsys.readouterr().err.startswith(f"{path}: runs[0].queue is not a key; the keys are connection_id, ")


def test_an_invalid_speed_is_a_one_line_error(capsys):
    assert main(["--speed", "0"]) == 2
    assert capsys.readouterr().err == "speed must be a number of more than 0, not 0.0\n"


@pytest.mark.parametrize("tier", ["community", "standard", "premium", "custom", "unlimited"])
def test_the_command_accepts_every_tier(tier, monkeypatch):
    started = []
    monkeypatch.setattr(anyio, "run", lambda _serve, emulator: started.append(emulator.settings.tier))
    main(["--tier", tier])
    assert started == [tier]


async def test_the_programs_of_the_readme_can_use_the_exported_variables(capsys):
    async with Emulator(accept_window=0.0) as emulator:
        command_line._print_banner(emulator)
        exports = dict(
            re.findall(r"(\w+)=(\S+)", "".join(re.findall(r"^  export .*\n", capsys.readouterr().out, re.MULTILINE)))
        )
        async with SynchronizationClient.from_env(exports) as client:
            connections = client.storage_connections
            files = [SourceFileCreate(exports["STORAGE_FILE_ID"], ConnectorType.MSTN)]
            created = await connections.create(exports["IMODEL_ID"], files)
            assert created.id != exports["CONNECTION_ID"]
            refs = [(await connections.runs.trigger(one)).ref for one in (created.id, exports["CONNECTION_ID"])]
    assert [ref.connection_id for ref in refs] == [created.id, exports["CONNECTION_ID"]]


def test_the_export_lines_alone_are_for_a_shell_to_read(tmp_path):
    path = tmp_path / "emulator.sh"
    command = [sys.executable, "-m", "bentley_sync_async.emulator", "--exports"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        lines = []
        while not lines or "STORAGE_FILE_ID" not in lines[-1]:
            lines.append(process.stdout.readline())
        process.send_signal(signal.SIGTERM)
        rest, _ = process.communicate(timeout=10)
    path.write_text("".join(lines) + rest)
    shell = f'. {path} && echo "$BENTLEY_SYNC_BASE_URL $ITP_API_URL $ITP_ISSUER_URL $ITP_SERVICE_CLIENT_ID"'
    printed = subprocess.run(["sh", "-euc", shell], capture_output=True, text=True, check=True)
    url, *others, client_id = printed.stdout.split()
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+", url)
    assert (others, client_id, printed.stderr) == ([url, url], Settings().client_id, "")


async def test_a_value_with_a_space_is_quoted():
    async with Emulator(client_secret="two words") as emulator:
        exports = "\n".join(command_line._exports(emulator))
    shown = await anyio.run_process(["sh", "-euc", f'{exports}\necho "$ITP_SERVICE_CLIENT_SECRET"'])
    assert shown.stdout == b"two words\n"


def test_a_closed_pipe_causes_no_traceback():
    with subprocess.Popen(
        [sys.executable, "-m", "bentley_sync_async.emulator"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        process.stdout.readline()
        process.stdout.close()
        process.send_signal(signal.SIGTERM)
        errors = process.stderr.read()
        process.wait(timeout=10)
    assert (process.returncode, errors) == (0, "")


def test_a_closed_pipe_does_not_stop_the_server(monkeypatch):
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "w") as unread:
        monkeypatch.setattr(sys, "stdout", unread)
        command_line._write("Listening.")
        unread.write("This text is discarded.")


def test_wrong_usage_ends_with_exit_status_2():
    with pytest.raises(SystemExit) as caught:
        main(["--tier", "gold"])
    assert caught.value.code == 2
