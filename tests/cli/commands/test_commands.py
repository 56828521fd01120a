import json
import re
from concurrent.futures import ThreadPoolExecutor

import pytest
from support.served import served, settings
from typer.testing import CliRunner

import bentley_sync_async.cli.app as cli
from bentley_sync_async import InvalidArgumentError, SynchronizationClient, __version__
from bentley_sync_async.cli import shutdown
from bentley_sync_async.cli.commands import demo
from bentley_sync_async.cli.exit_codes import ExitCode
from bentley_sync_async.emulator import FaultAction, FaultRule, FileRule, RunRule

# Far longer than any of these tests, but not for ever: what does not end by itself fails, and does not hang.
LONG = RunRule(waiting=15)


def invoke(variables, *args):
    # In a thread of its own: the event loop of this one belongs to pytest's plugins, and the command would replace it.
    with ThreadPoolExecutor(1) as thread:
        result = thread.submit(CliRunner().invoke, cli.app, args, env=variables, prog_name="bentley-sync").result()
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


@pytest.mark.parametrize(
    ("result", "code"),
    [("Success", 0), ("Skipped", 0), ("PartialSuccess", 3), ("Error", 4), ("Canceled", 4), ("TimedOut", 4)],
)
def test_run_exits_with_the_code_of_the_result(result, code):
    with served() as service:
        service.emulator.add_run_rule(RunRule(result=result))
        outcome = invoke(service.variables, "run", service.emulator.add_connection())
    assert outcome.exit_code == code


def test_run_prints_a_line_for_what_happens():
    with served() as service:
        outcome = invoke(service.variables, "run", service.emulator.add_connection())
        [only] = service.emulator.runs
        url = f"{service.emulator.url}{only.path}"
    lines = [line.partition("  ")[2] for line in outcome.stdout.splitlines() if re.match(r"\d\d:\d\d:\d\d  ", line)]
    assert lines == [
        f"triggered run {only.id} {url}",
        "run: Completed",
        "job MSTN: Completed, 1 file",
        "Model.dgn completed: Success",
        "job MSTN completed: Success",
        "run completed: Success",
    ]


def test_run_names_the_file_that_failed_and_why_and_who_can_fix_it():
    with served() as service:
        service.emulator.add_file_rule(FileRule(file_name="Roof.dgn", error="SourceFileCorrupted"))
        connection_id = service.emulator.add_connection(files=[("Roof.dgn", "MSTN"), ("Hall.dgn", "MSTN")])
        outcome = invoke(service.variables, "run", connection_id)
    [row] = [line for line in outcome.stdout.splitlines() if line.startswith(" PartialSuccess")]
    assert re.search(r"PartialSuccess +0s +Roof\.dgn +SourceFileCorrupted +yes \(1\)", row)
    assert re.search(r"^\(1\) https://\S+KB0098395#SourceFileCorrupted$", outcome.stdout, re.MULTILINE)


@pytest.mark.parametrize("command", ["run", "attach"])
def test_the_connection_is_called_by_its_name(command):
    with served() as service:
        connection_id = service.emulator.add_connection(display_name="Bridge [deck]")
        what = connection_id if command == "run" else service.emulator.url + service.start_run(connection_id).path
        outcome = invoke(service.variables, command, what)
    assert "Bridge [deck]" in outcome.stdout.splitlines()


def test_nothing_is_asked_before_the_trigger():
    with served() as service:
        invoke(service.variables, "run", service.emulator.add_connection())
        asked = [request.operation for request in service.emulator.requests if request.method == "GET"]
        first = next(request.operation for request in service.emulator.requests if "connect/token" not in request.path)
    assert first == "run-storage-connection"
    assert "get-storage-connection" in asked


def test_run_goes_on_without_the_name_of_the_connection_when_it_cannot_be_had():
    with served() as service:
        service.emulator.add_fault(
            FaultRule(method="GET", path="/storageconnections/[^/]+$", action=FaultAction.STATUS, status=404)
        )
        connection_id = service.emulator.add_connection()
        outcome = invoke(service.variables, "run", connection_id)
    assert f"connection ...{connection_id[-8:]}" in outcome.stdout.splitlines()
    assert "Model.dgn completed: Success" in outcome.stdout


def test_the_help_of_attach_says_what_the_url_of_a_run_looks_like_on_80_columns():
    text = invoke(settings(COLUMNS="80"), "attach", "--help").stdout
    assert "/synchronization/imodels/storageconnections/CONNECTION_ID/runs/RUN_ID" in text


@pytest.mark.parametrize("url", ["nonsense", "https://elsewhere.example/runs/1"])
def test_attach_says_what_the_url_of_a_run_looks_like(url):
    variables = settings(BENTLEY_SYNC_TOKEN="t", BENTLEY_SYNC_BASE_URL="http://127.0.0.1:9")
    assert "/imodels/storageconnections/CONNECTION_ID/runs/RUN_ID" in invoke(variables, "attach", url).stderr


def test_run_goes_on_without_the_names_of_files_when_they_cannot_be_had():
    with served() as service:
        service.emulator.add_fault(FaultRule(path="/sourcefiles", action=FaultAction.STATUS, status=404))
        connection_id = service.emulator.add_connection()
        outcome = invoke(service.variables, "run", connection_id)
        [only] = service.emulator.runs
    file_id = only.plan.jobs[0].tasks[0].storage_file_id
    assert f"file ...{file_id[-8:]} completed: Success" in outcome.stdout


def test_json_prints_one_object_an_event_and_the_last_is_the_completion():
    with served() as service:
        outcome = invoke(service.variables, "run", service.emulator.add_connection(), "--json")
    events = [json.loads(line) for line in outcome.stdout.splitlines()]
    assert [event["seq"] for event in events] == list(range(1, len(events) + 1))
    assert (events[0]["event"], events[-1]["event"]) == ("RunTriggered", "RunCompleted")
    assert outcome.stderr == ""


def test_json_reports_a_failure_on_stderr_only():
    with served() as service:
        service.emulator.add_run_rule(RunRule(error="RunOrchestrationError"))
        outcome = invoke(service.variables, "run", service.emulator.add_connection(), "--json")
    assert all(json.loads(line)["event"] for line in outcome.stdout.splitlines())
    assert "RunOrchestrationError: Failed to orchestrate Run." in outcome.stderr
    assert outcome.exit_code == ExitCode.FAILURE


def test_attach_follows_a_run_and_triggers_none():
    with served() as service:
        started = service.start_run(service.emulator.add_connection())
        outcome = invoke(service.variables, "attach", service.emulator.url + started.path)
        assert service.triggers() == 0
    assert outcome.stdout.count("run completed: Success") == 1
    assert outcome.exit_code == ExitCode.SUCCESS


def test_a_timeout_has_its_own_code_and_says_how_to_attach_again():
    with served() as service:
        service.emulator.add_run_rule(LONG)
        started = service.start_run(service.emulator.add_connection())
        url = service.emulator.url + started.path
        outcome = invoke(service.variables, "attach", url, "--timeout", "0.3", "--json")
    assert outcome.exit_code == ExitCode.TIMEOUT
    assert outcome.stderr.startswith("The timeout of the watch ran out")
    assert outcome.stderr.endswith(f"\n  bentley-sync attach {url} --json\n")


def test_a_timeout_before_there_is_a_run_says_how_to_try_again():
    with served() as service:
        service.emulator.add_run_rule(LONG)
        imodel_id = service.emulator.new_imodel_id()
        service.start_run(service.emulator.add_connection(imodel_id))
        connection_id = service.emulator.add_connection(imodel_id)
        args = ["run", connection_id, "--timeout", "0.3", "--when-active", "rerun"]
        outcome = invoke(service.variables, *args)
    assert outcome.exit_code == ExitCode.TIMEOUT
    assert outcome.stderr.endswith(f"\n  {' '.join(['bentley-sync', *args])}\n")


def test_a_busy_imodel_has_its_own_code_if_asked_for():
    with served() as service:
        service.emulator.add_run_rule(LONG)
        imodel_id = service.emulator.new_imodel_id()
        service.start_run(service.emulator.add_connection(imodel_id))
        outcome = invoke(service.variables, "run", service.emulator.add_connection(imodel_id), "--when-busy", "fail")
    assert outcome.exit_code == ExitCode.BUSY
    assert "--when-busy wait" in outcome.stderr
    assert "when_busy=" not in outcome.stderr


@pytest.mark.parametrize(
    "wrong", [{"BENTLEY_SYNC_CLIENT_SECRET": "wrong"}, {"BENTLEY_SYNC_TOKEN": "worthless"}], ids=["secret", "token"]
)
def test_refused_credentials_have_their_own_code(wrong):
    with served() as service:
        outcome = invoke(service.variables | wrong, "run", service.emulator.add_connection())
        assert service.emulator.runs == ()
    assert outcome.exit_code == ExitCode.AUTH


def test_a_missing_permission_is_a_matter_of_credentials():
    with served() as service:
        imodel_id = service.emulator.new_imodel_id()
        service.emulator.forbidden_imodels.add(imodel_id)
        outcome = invoke(service.variables, "run", service.emulator.add_connection(imodel_id))
    assert outcome.exit_code == ExitCode.AUTH


def test_an_answer_that_says_no_is_one_paragraph_on_stderr():
    with served() as service:
        outcome = invoke(service.variables, "run", "c" * 43)
    assert outcome.exit_code == ExitCode.ERROR
    assert outcome.stdout == ""
    assert "answered 404 " in outcome.stderr
    assert "\n\n" not in outcome.stderr
    assert "Traceback" not in outcome.stderr


def test_a_run_that_was_seen_can_be_attached_to_after_an_error():
    with served() as service:
        service.emulator.add_run_rule(LONG)
        service.emulator.add_fault(
            FaultRule(method="GET", path="/runs/", nth=2, action=FaultAction.STATUS, status=422, code="Invalid")
        )
        outcome = invoke(service.variables, "run", service.emulator.add_connection())
        [only] = service.emulator.runs
        assert outcome.stderr.endswith(f"\n  bentley-sync attach {service.emulator.url}{only.path}\n")


@pytest.mark.parametrize(
    ("args", "named"),
    [
        (["run"], "CONNECTION_ID"),
        (["run", "id", "--when-active", "never"], "--when-active"),
        (["run", "id", "--timeout", "0"], "--timeout"),
        (["jump"], "jump"),
        (["attach", "nonsense"], "nonsense"),
        (["attach", "https://elsewhere.example/runs/1"], "elsewhere.example"),
        (["run", " "], "connection_id"),
    ],
)
def test_wrong_arguments_are_named(args, named):
    outcome = invoke(settings(BENTLEY_SYNC_TOKEN="t", BENTLEY_SYNC_BASE_URL="http://127.0.0.1:9"), *args)
    assert outcome.exit_code == ExitCode.USAGE
    assert named in outcome.stderr


def test_missing_settings_are_named():
    outcome = invoke(settings(BENTLEY_SYNC_CLIENT_ID="service-me"), "run", "id")
    assert outcome.exit_code == ExitCode.USAGE
    assert "BENTLEY_SYNC_CLIENT_SECRET" in outcome.stderr


def test_the_options_reach_the_watch(monkeypatch):
    asked = {}

    def watch(_client, connection_id, **options):
        asked.update(options, connection_id=connection_id)
        raise InvalidArgumentError("enough")

    monkeypatch.setattr(SynchronizationClient, "watch", watch)
    options = ["--timeout", "90", "--when-active", "rerun", "--when-busy", "join"]
    invoke(settings(BENTLEY_SYNC_TOKEN="t"), "run", "id", *options)
    assert asked == {"connection_id": "id", "timeout": 90.0, "when_active": "rerun", "when_busy": "join"}


@pytest.mark.parametrize("command", [[], ["run"], ["attach"], ["bulk"], ["demo"]])
def test_the_help_lists_every_exit_code(command):
    text = invoke(settings(), *command, "--help").stdout
    assert [code for code in ExitCode if not re.search(rf"^ +{code:d}  {code.meaning}\s*$", text, re.MULTILINE)] == []


@pytest.mark.parametrize("code", [ExitCode.SUCCESS, ExitCode.ERROR])
def test_the_demo_decides_its_own_code(code, monkeypatch):
    monkeypatch.setattr(demo, "run_demo", lambda: code)
    assert invoke(settings(), "demo").exit_code == code


def test_an_interrupt_before_anything_happened_repeats_the_command(monkeypatch):
    def interrupted(*_args, **_options):
        raise KeyboardInterrupt

    monkeypatch.setattr(shutdown.anyio, "run", interrupted)
    outcome = invoke(settings(BENTLEY_SYNC_TOKEN="t"), "attach", "http://127.0.0.1/run")
    assert outcome.exit_code == ExitCode.DETACHED
    assert outcome.stderr.endswith("\n  bentley-sync attach http://127.0.0.1/run\n")


def test_the_version_is_that_of_the_package():
    assert invoke(settings(), "--version").stdout == f"{__version__}\n"
