import json
import re
import shlex
import signal
import subprocess
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from xml.etree import ElementTree as ET

import pytest
from support.served import environment, served, settings
from typer.testing import CliRunner

import bentley_sync_async.cli.app as cli
from bentley_sync_async import InvalidArgumentError, SynchronizationClient
from bentley_sync_async.cli.commands.publish import Publish, bytes_of
from bentley_sync_async.cli.exit_codes import ExitCode
from bentley_sync_async.emulator import FaultAction, FaultRule, FileRule, RunRule

MANIFEST = """\
[model]
itwin = "Station West"
imodel = "Combined"
folder = "Nightly"
create = true

[[files]]
path = "cad/*.dgn"
"""


def invoke(variables, *args):
    # In a thread of its own: the event loop of this one belongs to pytest's plugins, and the command would replace it.
    with ThreadPoolExecutor(1) as thread:
        result = thread.submit(
            CliRunner().invoke, cli.app, ["publish", *args], env=variables, prog_name="bentley-sync"
        ).result()
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def told(outcome):
    return [json.loads(line) for line in outcome.stdout.splitlines()]


def lines(outcome):
    """The lines of an output, without the local time at their begin."""
    return [re.sub(r"^\d\d:\d\d:\d\d  ", "", line) for line in outcome.stdout.splitlines()]


@pytest.fixture
def manifest(tmp_path):
    (tmp_path / "cad").mkdir()
    (tmp_path / "cad" / "a.dgn").write_bytes(b"a" * 3000)
    (tmp_path / "cad" / "b c.dgn").write_bytes(b"b")
    path = tmp_path / "publish.toml"
    path.write_text(MANIFEST)
    return path


@pytest.fixture
def service():
    with served() as running:
        running.emulator.add_itwin("Station West")
        yield running


@pytest.fixture
def no_service():
    return settings(BENTLEY_SYNC_TOKEN="t", BENTLEY_SYNC_BASE_URL="http://127.0.0.1:9")


def uploads(service):
    return sum("complete" in request.path for request in service.emulator.requests)


def test_a_folder_is_published(service, manifest):
    outcome = invoke(service.variables, str(manifest))
    assert (outcome.exit_code, outcome.stderr) == (ExitCode.SUCCESS, "")
    first, *middle, last = lines(outcome)
    assert first == "2 files to upload (3.0 kB), 1 connection to run."
    assert {line.partition("  ")[0] for line in middle} == {
        *("cad/a.dgn", "cad/b c.dgn", "connection Nightly 1", "Nightly 1")
    }
    assert re.match(r"2 files: 2 uploaded \(3\.0 kB\); 1 run, 1 succeeded; \d+ new changesets; 0:\d\d\.$", last)
    assert len(service.emulator.runs) == 1


def test_nothing_to_do_is_one_line_and_success(service, manifest, tmp_path):
    args = [str(manifest), "--journal", str(tmp_path / "j.db")]
    invoke(service.variables, *args)
    outcome = invoke(service.variables, *args)
    assert outcome.exit_code == ExitCode.SUCCESS
    assert outcome.stdout == "Nothing to do: 2 files are up to date.\n"
    assert len(service.emulator.runs) == 1


def test_a_dry_run_shows_what_would_change_and_changes_nothing(service, manifest):
    outcome = invoke(service.variables, str(manifest), "--dry-run")
    assert outcome.exit_code == ExitCode.SUCCESS
    assert lines(outcome) == [
        "+ cad/a.dgn (3.0 kB, MSTN)",
        "+ cad/b c.dgn (1 B, MSTN)",
        "+ iModel Combined",
        "+ folder Nightly",
        "+ connection Nightly 1: 2 files",
        "run Nightly 1",
        "2 files to upload (3.0 kB), 1 connection to run.",
    ]
    assert [request.path for request in service.emulator.requests if request.method not in {"GET", "HEAD"}] == [
        "/connect/token"
    ]


def test_a_dry_run_knows_how_long_the_runs_take(service, manifest):
    invoke(service.variables, str(manifest))
    (manifest.parent / "cad" / "a.dgn").write_bytes(b"new")
    outcome = invoke(service.variables, str(manifest), "--dry-run")
    assert re.search(r"^~ cad/a\.dgn \(3 B, MSTN\)\n= 1 unchanged\nrun Nightly 1\n", outcome.stdout)
    assert lines(outcome)[-1] == "The runs should take about 5:00."


def test_a_dry_run_in_json_is_one_object(service, manifest):
    [plan] = told(invoke(service.variables, str(manifest), "--dry-run", "--json"))
    assert (plan["event"], plan["counts"]["upload"], plan["uploadBytes"]) == ("PublishPlan", 2, 3001)
    assert plan["creates"] == ["iModel Combined", "folder Nightly"]


def test_the_reports_of_failed_files_are_saved_on_request(service, manifest, tmp_path):
    service.emulator.add_file_rule(FileRule(file_name="b c.dgn", error="SourceFileCorrupted"))
    outcome = invoke(service.variables, str(manifest), "--reports", str(tmp_path / "reports"))
    [place] = (tmp_path / "reports").iterdir()
    assert f"Diagnostic report of cad/b c.dgn: {place}" in lines(outcome)
    assert json.loads(place.read_text())["sourceFilesInfo"]["fileName"] == "b c.dgn"


def test_json_prints_one_object_an_event_and_the_report_last(service, manifest):
    outcome = invoke(service.variables, str(manifest), "--json")
    first, *_, report = told(outcome)
    kinds = Counter(event["event"] for event in told(outcome))
    assert first["event"] == "PublishPlanned"
    assert kinds["FileUploaded"] == 2
    assert kinds["ConnectionFinished"] == 1
    assert (report["event"], report["counts"]["uploaded"], len(report["runs"])) == ("PublishReport", 2, 1)
    assert outcome.stderr == ""


def test_a_file_that_is_refused_has_its_own_code_and_does_not_hold_up_the_others(service, manifest):
    (manifest.parent / "cad" / "empty.dgn").touch()
    outcome = invoke(service.variables, str(manifest))
    assert outcome.exit_code == ExitCode.FILES
    assert "cad/empty.dgn refused: It is empty" in outcome.stdout
    assert len(service.emulator.runs) == 1
    assert invoke(service.variables, str(manifest), "--dry-run").exit_code == ExitCode.FILES


@pytest.mark.parametrize(("result", "code"), [("Skipped", 0), ("PartialSuccess", 3), ("Error", 4)])
def test_the_exit_code_is_that_of_the_worst_run(service, manifest, result, code):
    service.emulator.add_run_rule(RunRule(result=result))
    assert invoke(service.variables, str(manifest)).exit_code == code


def test_only_prune_removes_what_is_gone(service, manifest):
    invoke(service.variables, str(manifest))
    (manifest.parent / "cad" / "a.dgn").unlink()
    assert "= 1 gone locally, and kept without prune" in lines(invoke(service.variables, str(manifest), "--dry-run"))
    assert "- cad/a.dgn" in lines(invoke(service.variables, str(manifest), "--dry-run", "--prune"))
    outcome = invoke(service.variables, str(manifest), "--prune")
    assert "cad/a.dgn  removed from Storage" in lines(outcome)
    assert outcome.exit_code == ExitCode.SUCCESS


def test_junit_shows_each_file_and_each_run_as_a_test(service, manifest, tmp_path):
    path = tmp_path / "report.xml"
    (manifest.parent / "cad" / "empty.dgn").touch()
    invoke(service.variables, str(manifest), "--junit", str(path))
    cases = {case.get("name"): case.find("failure") is not None for case in ET.parse(path).iter("testcase")}
    assert cases == {"cad/a.dgn": False, "cad/b c.dgn": False, "cad/empty.dgn": True, "Nightly 1": False}


def test_an_error_on_the_way_says_how_to_go_on(service, manifest, tmp_path):
    service.emulator.add_fault(FaultRule(path="/run$", action=FaultAction.STATUS, status=401))
    args = [str(manifest), "--journal", str(tmp_path / "a journal.db")]
    outcome = invoke(service.variables, *args)
    assert outcome.exit_code == ExitCode.AUTH
    assert "answered 401" in outcome.stderr
    assert outcome.stderr.endswith(
        "Files that were not finished: 0 of 2. Runs that were triggered go on, as the API cannot cancel them.\n"
        f"To continue and repeat nothing:\n  {shlex.join(['bentley-sync', 'publish', *args])}\n"
    )


def test_an_error_before_anything_was_done_is_only_said(service, manifest):
    manifest.write_text(MANIFEST.replace("Station West", "Station East"))
    outcome = invoke(service.variables, str(manifest))
    assert outcome.exit_code == ExitCode.USAGE
    assert outcome.stderr.startswith("There is no iTwin named 'Station East'")
    assert outcome.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("args", "named"),
    [
        ([], "MANIFEST"),
        (["missing.toml"], "missing.toml cannot be read"),
        (["publish.toml", "--uploads", "0"], "--uploads"),
        (["publish.toml", "--retry-failed", "-1"], "--retry-failed"),
        (["publish.toml", "--timeout", "0"], "--timeout"),
        (["publish.toml", "--limit-rate", "much"], "--limit-rate takes bytes a second above 0"),
        (["publish.toml", "--junit", "missing/report.xml"], "Nothing was triggered."),
    ],
)
def test_wrong_arguments_are_named(args, named, no_service, manifest, monkeypatch):
    monkeypatch.chdir(manifest.parent)
    outcome = invoke(no_service, *args)
    assert outcome.exit_code == ExitCode.USAGE
    assert named in outcome.stderr


def test_a_wrong_manifest_names_file_and_key(no_service, manifest):
    manifest.write_text(MANIFEST.replace("folder", "folders"))
    outcome = invoke(no_service, str(manifest))
    assert outcome.exit_code == ExitCode.USAGE
    assert f"{manifest}: model.folders is unknown" in outcome.stderr


@pytest.mark.parametrize(
    ("rate", "found"), [("500", 500), ("500K", 512_000), ("1.5m", 1_572_864), ("2M", 2_097_152), (None, None)]
)
def test_a_rate_is_in_bytes_or_as_curl_counts_them(rate, found):
    assert bytes_of(rate) == found


@pytest.mark.parametrize("rate", ["", "0", "0K", "-1", "1G", "1 K", "nan", "K"])
def test_what_is_no_rate_is_refused(rate):
    with pytest.raises(InvalidArgumentError, match="--limit-rate"):
        bytes_of(rate)


@pytest.mark.parametrize(
    ("args", "given"),
    [
        ([], {}),
        (
            ["--journal", "j.db", "--prune", "--uploads", "7", "--limit-rate", "2K", "--timeout", "90"],
            {"journal": "j.db", "prune": True, "uploads": 7, "bytes_per_second": 2048.0, "timeout": 90.0},
        ),
        (["--retry-failed", "2"], {"retry_failed": 2}),
    ],
)
def test_the_options_reach_the_publish(args, given, monkeypatch, no_service):
    asked = {}

    def publish(_client, manifest, **options):
        asked.update(options, manifest=manifest)
        raise InvalidArgumentError("enough")

    monkeypatch.setattr(SynchronizationClient, "publish", publish)
    invoke(no_service, "p.toml", *args)
    usual = {"journal": None, "prune": False, "uploads": 4, "bytes_per_second": None, "timeout": None}
    assert asked == {"manifest": "p.toml", **usual, "retry_failed": 0, **given}


def test_the_command_that_goes_on_repeats_every_option(monkeypatch, no_service):
    made = []
    monkeypatch.setattr(Publish, "run", lambda self: made.append(self.arguments) or ExitCode.SUCCESS)
    args = ["my publish.toml", "--journal", "j.db", "--prune", "--uploads", "7", "--limit-rate", "1.5M"]
    args += ["--timeout", "90.0", "--retry-failed", "2", "--json", "--junit", "r.xml", "--reports", "r"]
    invoke(no_service, *args)
    assert made == [["publish", *args]]


# In processes of their own.

# A shell may start its children with SIGINT ignored, and they would inherit that.
PROGRAM = """
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)
from bentley_sync_async.cli import main
sys.exit(main())
"""


def started(variables, *args, cwd):
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM, *args],
        env=environment(variables),
        cwd=cwd,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGTERM])
def test_the_command_that_a_signal_prints_goes_on_with_the_same_run(sign, service, manifest, tmp_path):
    service.emulator.add_run_rule(RunRule(waiting=3, queued=0, preprocessing=0, references=0, finalizing=0))
    args = ["publish", "publish.toml", "--journal", "my journal.db"]
    with started(service.variables, *args, cwd=tmp_path) as process:
        while "triggered run" not in process.stdout.readline():
            pass
        process.send_signal(sign)
        _, said = process.communicate(timeout=60)
    assert process.returncode == (ExitCode.DETACHED if sign == signal.SIGINT else ExitCode.TERMINATED)
    assert said.startswith("Detached. Files that were not finished: 0 of 2.")

    program, *again = shlex.split(said.splitlines()[-1])
    assert (program, again) == ("bentley-sync", args)
    with started(service.variables, *again, cwd=tmp_path) as process:
        process.communicate(timeout=60)
    assert process.returncode == ExitCode.SUCCESS
    assert len(service.emulator.runs) == 1


def test_without_a_journal_a_signal_says_that_nothing_was_recorded(service, manifest, tmp_path):
    service.emulator.add_run_rule(RunRule(waiting=36_000))
    with started(service.variables, "publish", "publish.toml", "--json", cwd=tmp_path) as process:
        while "RunTriggered" not in process.stdout.readline():
            pass
        process.send_signal(signal.SIGINT)
        out, said = process.communicate(timeout=60)
    assert "There is no --journal, so nothing was recorded" in said
    assert said.endswith("\n  bentley-sync publish publish.toml --json --journal publish.db\n")
    assert json.loads(out.splitlines()[-1])["event"] == "PublishReport"
