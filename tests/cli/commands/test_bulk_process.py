import json
import re
import shlex
import signal
import subprocess
import sys
from collections import Counter
from xml.etree import ElementTree as ET

import pytest
from support.served import environment, served

from bentley_sync_async.cli.exit_codes import ExitCode
from bentley_sync_async.emulator import RunRule

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


def ended(process):
    with process:
        out, said = process.communicate(timeout=60)
    return process.returncode, out, said


def statuses(path):
    kinds = [case.find("error") is not None for case in ET.parse(path).iter("testcase")]
    return Counter("detached" if kind else "good" for kind in kinds)


@pytest.mark.parametrize(("sign", "code"), [(signal.SIGINT, ExitCode.DETACHED), (signal.SIGTERM, ExitCode.TERMINATED)])
def test_the_command_that_a_signal_prints_goes_on_and_runs_each_connection_once(sign, code, tmp_path):
    with served() as service:
        service.emulator.add_run_rule(RunRule(waiting=1, queued=0, preprocessing=0, references=0, finalizing=0))
        imodels = [service.emulator.new_imodel_id() for _ in range(3)]
        ids = [service.emulator.add_connection(imodels[n % 3]) for n in range(6)]
        (tmp_path / "my ids.txt").write_text("\n".join(ids))
        args = ["bulk", "my ids.txt", "--journal", "my journal.db", "--junit", "report.xml"]
        with started(service.variables, *args, cwd=tmp_path) as process:
            while "  succeeded after " not in process.stdout.readline():
                pass
            process.send_signal(sign)
            _, said = process.communicate(timeout=60)
        assert process.returncode == code
        assert re.match(r"Detached\. Finished connections: [1-5] of 6\.", said)
        assert 1 <= statuses(tmp_path / "report.xml")["good"] < 6

        [*_, command] = said.splitlines()
        program, *again = shlex.split(command)
        assert (program, again) == ("bentley-sync", args)
        assert ended(started(service.variables, *again, cwd=tmp_path))[0] == ExitCode.SUCCESS
        assert Counter(run.connection_id for run in service.emulator.runs) == Counter(ids)
    assert statuses(tmp_path / "report.xml") == {"good": 6}


def test_without_a_journal_a_signal_says_that_nothing_was_remembered(tmp_path):
    with served() as service:
        service.emulator.add_run_rule(RunRule(waiting=36_000))
        (tmp_path / "ids.txt").write_text(service.emulator.add_connection())
        with started(service.variables, "bulk", "ids.txt", cwd=tmp_path) as process:
            while "triggered run" not in process.stdout.readline():
                pass
            process.send_signal(signal.SIGINT)
            _, said = process.communicate(timeout=60)
    assert said == (
        "Detached. Finished connections: 0 of 1. Runs that go on, as the API cannot cancel them: 1.\n"
        "There is no --journal, so nothing was recorded: the same command would run all of them again. "
        "With a journal, it continues where it was left:\n"
        "  bentley-sync bulk ids.txt --journal bulk.db\n"
    )


def test_a_signal_ends_json_with_the_report(tmp_path):
    with served() as service:
        service.emulator.add_run_rule(RunRule(waiting=36_000))
        (tmp_path / "ids.txt").write_text(service.emulator.add_connection())
        with started(service.variables, "bulk", "ids.txt", "--json", cwd=tmp_path) as process:
            while "RunTriggered" not in process.stdout.readline():
                pass
            process.send_signal(signal.SIGINT)
            out, _ = process.communicate(timeout=60)
    report = json.loads(out.splitlines()[-1])
    assert (report["event"], report["counts"]["detached"]) == ("BulkReport", 1)


@pytest.mark.parametrize("form", [["--json"], []], ids=["json", "plain"])
def test_a_reader_that_goes_away_detaches(form, tmp_path):
    with served() as service:
        service.emulator.add_run_rule(RunRule(waiting=36_000))
        (tmp_path / "ids.txt").write_text(service.emulator.add_connection())
        args = ["bulk", "ids.txt", "--journal", "j.db", *form]
        with started(service.variables, *args, cwd=tmp_path) as process:
            process.stdout.close()
            said = process.stderr.read()
            process.wait(timeout=60)
    assert process.returncode == ExitCode.DETACHED
    assert said.startswith("Detached. Finished connections: 0 of 1.")
    assert said.endswith(f"\n  {shlex.join(['bentley-sync', *args])}\n")


def test_two_commands_on_one_journal_are_one_too_many(tmp_path):
    with served() as service:
        service.emulator.add_run_rule(RunRule(waiting=36_000))
        (tmp_path / "ids.txt").write_text(service.emulator.add_connection())
        args = ["bulk", "ids.txt", "--journal", "j.db"]
        with started(service.variables, *args, cwd=tmp_path) as first:
            while "triggered run" not in first.stdout.readline():
                pass
            code, _, said = ended(started(service.variables, *args, cwd=tmp_path))
            first.send_signal(signal.SIGINT)
            first.communicate(timeout=60)
        assert len(service.emulator.runs) == 1
    assert code == ExitCode.FILES
    assert f"is in use by process {first.pid}" in said
