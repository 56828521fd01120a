import io
import json
import math
import re
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from xml.etree import ElementTree as ET

import anyio
import pytest
from rich.console import Console
from support.served import served, settings
from support.watch import emulated
from typer.testing import CliRunner

import bentley_sync_async.cli.app as cli
from bentley_sync_async import InvalidArgumentError, SynchronizationClient
from bentley_sync_async.cli.commands import background, bulk
from bentley_sync_async.cli.commands.bulk import Bulk
from bentley_sync_async.cli.exit_codes import ExitCode
from bentley_sync_async.cli.report_file import ReportFile
from bentley_sync_async.emulator import FaultAction, FaultRule, FileRule, RunRule


def invoke(variables, *args, given=None):
    # In a thread of its own: the event loop of this one belongs to pytest's plugins, and the command would replace it.
    with ThreadPoolExecutor(1) as thread:
        result = thread.submit(
            CliRunner().invoke, cli.app, ["bulk", *args], input=given, env=variables, prog_name="bentley-sync"
        ).result()
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def told(outcome):
    return [json.loads(line) for line in outcome.stdout.splitlines()]


def runs_of(service):
    return Counter(run.connection_id for run in service.emulator.runs)


@pytest.fixture
def no_service():
    return settings(BENTLEY_SYNC_TOKEN="t", BENTLEY_SYNC_BASE_URL="http://127.0.0.1:9")


def test_each_connection_of_a_file_is_run_once(tmp_path):
    with served() as service:
        ids = [service.emulator.add_connection() for _ in range(3)]
        (tmp_path / "ids.txt").write_text("\n".join([*ids, ids[0]]))
        outcome = invoke(service.variables, str(tmp_path / "ids.txt"))
        assert runs_of(service) == Counter(ids)
    assert outcome.exit_code == ExitCode.SUCCESS
    assert outcome.stderr == "Repeated ids: 1. Each connection is run once.\n"
    assert re.search(r"^3 connections: 3 succeeded; ", outcome.stdout, re.MULTILINE)


def test_ids_come_from_standard_input():
    with served() as service:
        ids = [service.emulator.add_connection() for _ in range(2)]
        invoke(service.variables, "-", given="\n".join(ids))
        assert runs_of(service) == Counter(ids)


def test_ids_come_from_a_column():
    with served() as service:
        ids = [service.emulator.add_connection() for _ in range(2)]
        outcome = invoke(service.variables, "-", "--column", "which", given=f"id;which\n1;{ids[0]}\n2;{ids[1]}\n3;\n")
        assert runs_of(service) == Counter(ids)
    assert outcome.stderr == "Rows without an id, which are ignored: 1.\n"


def test_the_connections_of_imodels_are_run_beside_those_of_the_file():
    with served() as service:
        first, second = service.emulator.new_imodel_id(), service.emulator.new_imodel_id()
        ids = [service.emulator.add_connection(imodel_id) for imodel_id in (first, first, second, None)]
        service.emulator.add_connection()
        invoke(service.variables, "-", "--imodel", first, "--imodel", second, given=ids[3])
        assert runs_of(service) == Counter(ids)


def test_a_bad_id_is_an_outcome_and_disturbs_nothing():
    with served() as service:
        good = service.emulator.add_connection()
        outcome = invoke(service.variables, "-", given=f"not an id\n{good}\n{'c' * 43}\n")
        assert runs_of(service) == Counter([good])
    assert outcome.exit_code == ExitCode.NOT_RUN
    assert "not an id  refused: connection_id cannot be an id" in outcome.stdout
    assert re.search(r"^3 connections: 1 succeeded, 2 refused; ", outcome.stdout, re.MULTILINE)


@pytest.mark.parametrize(
    ("result", "code"), [("Success", 0), ("Skipped", 0), ("PartialSuccess", 3), ("Error", 4), ("TimedOut", 4)]
)
def test_the_exit_code_is_that_of_the_worst_result(result, code):
    with served() as service:
        bad, good = service.emulator.add_connection(), service.emulator.add_connection()
        service.emulator.add_run_rule(RunRule(connection_id=bad, result=result))
        outcome = invoke(service.variables, "-", given=f"{good}\n{bad}")
    assert outcome.exit_code == code


def test_people_find_all_of_it_on_stdout():
    with served() as service:
        outcome = invoke(service.variables, "-", given="c" * 43)
    assert outcome.stderr == ""


def community(service):
    return service.variables | {"BENTLEY_SYNC_RATE_TIER": "community"}


def test_the_end_says_what_is_left_of_the_quota_of_the_hour():
    with served() as service:
        outcome = invoke(community(service), "-", given=service.emulator.add_connection())
        sent = sum("connect/token" not in request.path for request in service.emulator.requests)
    last = outcome.stdout.splitlines()[-1]
    assert last == (f"Budget of the hour (tier Community): used {sent} of 5,000, {5000 - sent:,} left this hour.")


def test_where_the_hour_has_no_limit_the_report_is_the_end():
    with served() as service:
        outcome = invoke(service.variables, "-", given=service.emulator.add_connection())
    assert outcome.stdout.splitlines()[-1].startswith("1 connection: 1 succeeded; ")


def test_json_prints_one_object_an_event_and_the_report_last():
    with served() as service:
        ids = [service.emulator.add_connection() for _ in range(2)]
        outcome = invoke(service.variables, "-", "--json", given="\n".join(ids))
    *events, report = told(outcome)
    ends = [event for event in events if event["event"] == "ConnectionFinished"]
    assert {event["connectionId"]: event["outcome"]["status"] for event in ends} == dict.fromkeys(ids, "succeeded")
    assert {event["connectionId"] for event in events} == set(ids)
    assert (report["event"], len(report["outcomes"])) == ("BulkReport", 2)
    assert outcome.stderr == ""


def test_json_reports_failures_for_people_on_stderr_only():
    with served() as service:
        outcome = invoke(service.variables, "-", "--json", given="c" * 43)
    assert told(outcome)[-1]["event"] == "BulkReport"
    assert ": 1 refused; " in outcome.stderr


def test_junit_shows_each_connection_as_a_test(tmp_path):
    path = tmp_path / "report.xml"
    with served() as service:
        bad, good = service.emulator.add_connection(), service.emulator.add_connection()
        service.emulator.add_run_rule(RunRule(connection_id=bad, result="Error"))
        invoke(service.variables, "-", "--junit", str(path), given=f"{good}\n{bad}")
    cases = {case.get("name"): case.find("failure") is not None for case in ET.parse(path).iter("testcase")}
    assert cases == {good: False, bad: True}


def test_junit_is_written_when_the_credentials_are_refused_on_the_way(tmp_path):
    path = tmp_path / "report.xml"
    with served() as service:
        service.emulator.add_fault(FaultRule(path="/run$", action=FaultAction.STATUS, status=401))
        connection_id = service.emulator.add_connection()
        outcome = invoke(service.variables, "-", "--junit", str(path), given=connection_id)
    assert outcome.exit_code == ExitCode.AUTH
    assert [case.get("name") for case in ET.parse(path).iter("testcase")] == [connection_id]


def test_an_error_on_the_way_says_how_to_go_on(tmp_path):
    with served() as service:
        service.emulator.add_fault(FaultRule(path="/run$", action=FaultAction.STATUS, status=401))
        journal = str(tmp_path / "a journal.db")
        outcome = invoke(
            service.variables, "-", "--journal", journal, "--json", given=service.emulator.add_connection()
        )
    assert "answered 401" in outcome.stderr
    assert outcome.stderr.endswith(
        "To continue within twelve hours and repeat nothing, given the same ids again:\n"
        f"  bentley-sync bulk - --journal '{journal}' --json\n"
    )
    assert told(outcome)[-1]["counts"]["detached"] == 1


def test_a_report_that_cannot_be_written_at_the_end_is_an_error(tmp_path, monkeypatch):
    def full(*_args):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(ReportFile, "write", full)
    path = str(tmp_path / "report.xml")
    with served() as service:
        outcome = invoke(service.variables, "-", "--junit", path, given=service.emulator.add_connection())
    assert outcome.exit_code == ExitCode.FILES
    assert outcome.stderr == f"{path} could not be written: No space left on device.\n"


def test_a_report_that_cannot_be_written_hides_no_worse_news(tmp_path, monkeypatch):
    def full(*_args):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(ReportFile, "write", full)
    with served() as service:
        outcome = invoke(service.variables, "-", "--junit", str(tmp_path / "report.xml"), given="c" * 43)
    assert outcome.exit_code == ExitCode.NOT_RUN


def test_a_report_that_cannot_be_written_is_refused_before_anything_is_sent(tmp_path):
    with served() as service:
        path = str(tmp_path / "missing" / "report.xml")
        outcome = invoke(service.variables, "-", "--junit", path, given=service.emulator.add_connection())
        assert list(service.emulator.requests) == []
    assert outcome.exit_code == ExitCode.USAGE
    assert outcome.stderr == f"{path} cannot be written: No such file or directory. Nothing was triggered.\n"


def test_a_journal_that_cannot_be_used_has_its_own_code(tmp_path):
    journal = tmp_path / "ids.txt"
    journal.write_text("no journal" * 1000)
    with served() as service:
        outcome = invoke(service.variables, "-", "--journal", str(journal), given=service.emulator.add_connection())
        assert service.emulator.runs == ()
    assert outcome.exit_code == ExitCode.FILES
    assert str(journal) in outcome.stderr


def test_a_dry_run_triggers_nothing_and_prints_the_plan():
    with served() as service:
        connection_id = service.emulator.add_connection()
        outcome = invoke(service.variables, "-", "--dry-run", given=connection_id)
        assert service.emulator.runs == ()
    assert outcome.exit_code == ExitCode.SUCCESS
    assert connection_id in outcome.stdout


def test_a_dry_run_says_how_much_of_the_quota_it_plans_for():
    with served() as service:
        outcome = invoke(community(service), "-", "--dry-run", given=service.emulator.add_connection())
    *_, plan, quota = outcome.stdout.splitlines()
    assert int(re.search(r"and (\d+) requests\.", plan)[1]) < 50
    assert quota.startswith("These requests are less than 1% of an hour of the quota (5,000 an hour, tier ")


def test_a_dry_run_in_json_is_one_object():
    with served() as service:
        outcome = invoke(community(service), "-", "--dry-run", "--json", given=service.emulator.add_connection())
    [plan] = told(outcome)
    assert (plan["event"], len(plan["runs"])) == ("BulkPlan", 1)


def test_a_dry_run_has_an_exit_code_for_connections_that_cannot_be_run():
    with served() as service:
        outcome = invoke(service.variables, "-", "--dry-run", given="c" * 43)
    assert outcome.exit_code == ExitCode.NOT_RUN


def test_a_dry_run_leaves_the_report_of_before_alone(tmp_path):
    path = tmp_path / "report.xml"
    path.write_text("of yesterday")
    with served() as service:
        invoke(service.variables, "-", "--dry-run", "--junit", str(path), given=service.emulator.add_connection())
    assert path.read_text() == "of yesterday"


@pytest.mark.parametrize(
    ("args", "named"),
    [
        ([], "--imodel"),
        (["missing.txt"], "missing.txt cannot be read"),
        (["."], "Is a directory"),
        (["-"], "standard input contains no id"),
        (["-", "--concurrency", "0"], "--concurrency"),
        (["-", "--per-itwin", "0"], "--per-itwin"),
        (["-", "--retry-failed", "-1"], "--retry-failed"),
        (["-", "--timeout", "0"], "--timeout"),
        (["-", "--when-active", "never"], "--when-active"),
    ],
)
def test_wrong_arguments_are_named(args, named, no_service):
    outcome = invoke(no_service, *args)
    assert outcome.exit_code == ExitCode.USAGE
    assert named in outcome.stderr


def test_missing_settings_are_named():
    outcome = invoke(settings(BENTLEY_SYNC_CLIENT_ID="service-me"), "-", given="c")
    assert outcome.exit_code == ExitCode.USAGE
    assert "BENTLEY_SYNC_CLIENT_SECRET" in outcome.stderr


def test_the_options_reach_the_bulk(monkeypatch, no_service):
    asked = {}

    def run_many(_client, ids, **options):
        asked.update(options, ids=ids)
        raise InvalidArgumentError("enough")

    monkeypatch.setattr(SynchronizationClient, "run_many", run_many)
    options = ["--imodel", "i", "--imodel", "j", "--concurrency", "7", "--per-itwin", "3", "--when-active", "rerun"]
    more = ["--timeout", "90", "--retry-failed", "2", "--journal", "j.db"]
    invoke(no_service, "-", *options, *more, given="c")
    assert asked == {
        "ids": ("c",),
        "imodel_ids": ["i", "j"],
        "concurrency": 7,
        "per_itwin": 3,
        "when_active": "rerun",
        "timeout": 90.0,
        "retry_failed": 2,
        "journal": "j.db",
    }


def test_nothing_that_was_not_given_reaches_the_bulk(monkeypatch, no_service):
    asked = {}

    def run_many(_client, ids, **options):
        asked.update(options)
        raise InvalidArgumentError("enough")

    monkeypatch.setattr(SynchronizationClient, "run_many", run_many)
    invoke(no_service, "-", given="c")
    assert asked == {
        "imodel_ids": (),
        "concurrency": 50,
        "per_itwin": None,
        "when_active": "join",
        "timeout": None,
        "retry_failed": 0,
        "journal": None,
    }


def test_the_command_that_goes_on_repeats_every_option(monkeypatch, no_service):
    made = []
    monkeypatch.setattr(bulk.Bulk, "run", lambda self: made.append(self.arguments) or ExitCode.SUCCESS)
    args = ["my ids.csv", "--imodel", "i", "--imodel", "j", "--column", "Id", "--journal", "j.db", "--concurrency", "7"]
    args += [
        "--per-itwin",
        "3",
        "--when-active",
        "rerun",
        "--timeout",
        "90.0",
        "--retry-failed",
        "2",
        "--json",
        "--junit",
        "r.xml",
    ]
    invoke(no_service, *args)
    assert made == [["bulk", *args]]


def test_an_interrupt_before_anything_was_triggered_says_so(monkeypatch, no_service):
    def interrupted(*_args, **_options):
        raise KeyboardInterrupt

    monkeypatch.setattr(background.anyio, "run", interrupted)
    outcome = invoke(no_service, "-", given="c")
    assert (outcome.exit_code, outcome.stderr) == (ExitCode.DETACHED, "Detached. Nothing was triggered.\n")


# In virtual time.


def command(emulator, **options):
    token = emulator.token(lifetime=1e9)
    return Bulk(
        make_client=lambda: SynchronizationClient(token, base_url=emulator.url),
        open_bulk=lambda client, ids: client.run_many(ids, concurrency=20),
        arguments=(),
        **options,
    )


async def test_a_long_bulk_fills_no_log(capsys):
    async with emulated(tier="unlimited") as (emulator, _):
        emulator.add_file_rule(FileRule(duration=900))
        ids = [emulator.add_connection() for _ in range(5)]
        assert await command(emulator).follow(ids) == ExitCode.SUCCESS
    lines = [line[10:] for line in capsys.readouterr().out.splitlines() if re.match(r"\d\d:\d\d:\d\d  ", line)]
    progress = [line for line in lines if re.match(r"\d+ of 5 ", line)]
    assert len(lines) == 2 * 5 + len(progress)
    assert len(progress) <= 1200 / 30 + 10
    assert progress[-1].startswith("5 of 5 (100 %): 5 succeeded; 0 active, 0 waiting; ")


def times_left(capsys):
    """The minutes left that a bulk has printed."""
    return [int(found) for found in re.findall(r"about (\d+)m \d\ds left", capsys.readouterr().out)]


async def test_the_end_is_foreseen(capsys):
    async with emulated() as (emulator, _):
        imodel_id = emulator.new_imodel_id()
        ids = [emulator.add_connection(imodel_id) for _ in range(4)]
        await command(emulator).follow(ids)
        first = times_left(capsys)
        await command(emulator).follow(ids)
    again = times_left(capsys)
    assert 13 <= first[0] <= 17  # not before the first of the four has ended, as nothing is known of them
    assert 18 <= again[0] <= 22
    assert max(first[-1], again[-1]) <= 6


class Slow:
    """A bulk that tells of something every ten seconds; a call that is cancelled loses nothing."""

    progress = None

    def __init__(self):
        self.left = list("abc")
        self.began = anyio.current_time()

    async def __anext__(self):
        await anyio.sleep_until(self.began + 10 * (4 - len(self.left)))
        if not self.left:
            raise StopAsyncIteration
        return self.left.pop(0)


class Counting:
    def __init__(self):
        self.shown, self.ticks = [], []

    def __enter__(self):
        return self

    def __exit__(self, *_error):
        pass

    def show(self, event):
        self.shown.append(event)

    def tick(self, _progress):
        self.ticks.append(anyio.current_time())


@pytest.mark.parametrize(("every", "ticks"), [(3.0, 15), (math.inf, 2)])
async def test_progress_is_shown_at_intervals_and_at_the_end(every, ticks):
    view = Counting()
    await background.show(Slow(), view, every=every)
    assert len(view.ticks) == ticks
    assert view.shown == list("abc")


class Terminal(io.StringIO):
    encoding = "utf-8"

    def isatty(self):
        return True


async def test_the_live_view_of_a_bulk_names_the_imodels(monkeypatch):
    screen = Console(file=Terminal(), width=80, height=24, color_system=None, _environ={"TERM": "xterm"})
    monkeypatch.setattr(bulk, "Screen", lambda: screen)
    async with emulated() as (emulator, _):
        imodel_id = emulator.new_imodel_id()
        await command(emulator).follow([emulator.add_connection(imodel_id)])
    assert f"iModel {imodel_id[:8]}" in screen.file.getvalue()
