import json
import re
from concurrent.futures import ThreadPoolExecutor

import pytest
from support.served import served, settings
from typer.testing import CliRunner

import bentley_sync_async.cli.app as cli
from bentley_sync_async import SynchronizationClient
from bentley_sync_async.cli.commands import budget
from bentley_sync_async.cli.exit_codes import ExitCode
from bentley_sync_async.emulator import FaultAction, FaultRule


def invoke(variables, *args):
    # In a thread of its own: the event loop of this one belongs to pytest's plugins, and the command would replace it.
    with ThreadPoolExecutor(1) as thread:
        runner = CliRunner()
        result = thread.submit(runner.invoke, cli.app, ["budget", *args], env=variables).result()
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def asked(service):
    return [request for request in service.emulator.requests if "connect/token" not in request.path]


def rows(outcome):
    """The table: what stands in each row after its name."""
    found = [re.split(" {2,}", line.strip(), maxsplit=4) for line in outcome.stdout.splitlines()]
    return {row[0]: row[1:] for row in found if row[0] in {"minute", "hour"}}


def refusing(service, **rest):
    service.emulator.add_fault(
        FaultRule(path="/authorizationinformation", action=FaultAction.STATUS, status=429, **rest)
    )


@pytest.fixture(scope="module")
def outcome():
    with served(tier="community") as service:
        return invoke(service.variables | {"BENTLEY_SYNC_RATE_TIER": "community"})


def test_one_request_is_sent():
    with served() as service:
        invoke(service.variables)
        assert [request.operation for request in asked(service)] == ["get-authorization-information"]


def test_the_limits_and_what_is_left_of_them_are_shown(outcome):
    assert rows(outcome) == {"minute": ["500", "1", "499", "1 call"], "hour": ["5,000", "1", "4,999", "1 call"]}


def test_the_tier_and_the_share_are_shown(outcome):
    assert outcome.stdout.startswith("Tier Community, as configured; share 1.\n")


def test_it_is_said_that_other_processes_are_not_known(outcome):
    assert "the requests of this process only" in outcome.stdout


def test_a_budget_that_is_known_is_a_success(outcome):
    assert (outcome.exit_code, outcome.stderr) == (ExitCode.SUCCESS, "")


def test_an_unnamed_tier_is_marked_as_assumed():
    with served() as service:
        outcome = invoke(service.variables)
    assert "Tier Standard, assumed until BENTLEY_SYNC_RATE_TIER" in outcome.stdout
    assert rows(outcome)["hour"] == ["-", "1", "-", "1 call"]


def test_json_is_one_object():
    with served() as service:
        outcome = invoke(service.variables | {"BENTLEY_SYNC_RATE_TIER": "community"}, "--json")
    told = json.loads(outcome.stdout)
    assert (told["event"], told["tier"]["name"], told["hour"]["left"]) == ("BudgetUse", "Community", 4999)


def test_a_service_that_requires_a_redirect_url_still_shows_the_quota():
    with served() as service:
        service.emulator.add_fault(FaultRule(path="/authorizationinformation", action=FaultAction.STATUS, status=422))
        outcome = invoke(service.variables)
    assert (outcome.exit_code, rows(outcome)["minute"][1]) == (ExitCode.SUCCESS, "1")


def test_a_refusal_is_not_waited_for():
    with served() as service:
        refusing(service, retry_after=1)
        outcome = invoke(service.variables)
        assert len(asked(service)) == 1
    assert outcome.exit_code == ExitCode.ERROR


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (25, r"the quota of the minute is used up\. Send again in 25s, at \d\d:\d\d:\d\d\.\n"),
        (1800, r"the quota of the hour is used up\. Send again in 30m 00s, at \d\d:\d\d:\d\d\.\n"),
        (None, r"does not say until when; the quota of the minute is available again after a minute\.\n"),
    ],
)
def test_a_refusal_says_which_quota_is_used_up_and_when_it_is_there_again(seconds, said):
    with served() as service:
        refusing(service, retry_after=seconds)
        outcome = invoke(service.variables)
    assert re.fullmatch(rf"The service accepts no requests of this application now \(429\).* ?{said}", outcome.stderr)


@pytest.mark.parametrize(("seconds", "left"), [(25, ["0", "4,999"]), (1800, ["499", "0"])])
def test_of_a_quota_that_is_used_up_nothing_is_left(seconds, left):
    with served(tier="community") as service:
        refusing(service, retry_after=seconds)
        outcome = invoke(service.variables | {"BENTLEY_SYNC_RATE_TIER": "community"})
    assert [row[2] for row in rows(outcome).values()] == left


def test_a_refusal_that_names_the_tier_leaves_nothing_either():
    with served(tier="community", per_minute=1) as service:
        invoke(service.variables)
        outcome = invoke(service.variables)
    assert outcome.stdout.startswith("Tier Community, as the service names it; share 1.\n")
    assert rows(outcome)["minute"] == ["500", "1", "0", "1 rejected"]


def test_a_refusal_in_json_is_the_object_and_the_words_for_people():
    with served() as service:
        refusing(service, retry_after=25)
        outcome = invoke(service.variables, "--json")
    told = json.loads(outcome.stdout)
    assert (told["minute"]["left"], told["minute"]["spent"]["rejected"]) == (0, 1)
    assert "(429)" in outcome.stderr


def test_other_failures_have_their_own_codes():
    with served() as service:
        outcome = invoke(service.variables | {"BENTLEY_SYNC_CLIENT_SECRET": "wrong"})
    assert (outcome.exit_code, outcome.stdout) == (ExitCode.AUTH, "")


def test_missing_settings_are_named():
    outcome = invoke(settings())
    assert outcome.exit_code == ExitCode.USAGE
    assert "BENTLEY_SYNC_TOKEN" in outcome.stderr


def test_each_shutdown_has_its_exit_code(capsys):
    def interrupted() -> SynchronizationClient:
        raise KeyboardInterrupt

    with ThreadPoolExecutor(1) as thread:
        code = thread.submit(budget.show_budget, interrupted, json=False).result()
    assert (code, capsys.readouterr().out) == (ExitCode.DETACHED, "")
