"""Errors for people, through processes."""

import re
from itertools import pairwise

import pytest

from bentley_sync_async import ConnectionLostError, RequestTimeoutError, RetryPolicy, Timeouts
from bentley_sync_async.cli.verbs.problems import explained
from bentley_sync_async.cli.verbs.session import Session
from bentley_sync_async.emulator import FaultAction, FaultRule

EMAIL = "@apps.imsoidc.bentley.com"
NO_RUN = "0e1f6a3c-1111-4222-8333-9a9b9c9d9e9f"
ABSENT = "AbsentAbsentAbsentAbsentAbsentAbsentAbsent-"


def test_a_403_names_permission_connection_imodel_and_itwin_and_how_to_be_invited(place):
    place.service.emulator.forbidden_imodels.add(place.ids["imodel"])
    try:
        ended = place("connection run Bridge", code=6)
    finally:
        place.service.emulator.forbidden_imodels.clear()
    application = place.service.emulator.client_id
    assert ended.err.splitlines() == [
        "Not allowed: the service answered 403 InsufficientPermissions.",
        f"The service application {application} needs the permissions imodels_manage and storage_read.",
        f"  on iModel {place.ids['imodel']}",
        f"  on storage connection Bridge ({place.ids['bridge']})",
        f"  on iTwin {place.ids['itwin']}",
        f"To add it: in the iTwin's members, invite {application}{EMAIL} with a role that allows this.",
        *ended.err.splitlines()[6:],
    ]


def test_a_403_of_a_user_sends_them_to_an_administrator(place):
    place.service.emulator.forbidden_imodels.add(place.ids["imodel"])
    try:
        variables = {"BENTLEY_SYNC_TOKEN": place.service.token()}
        ended = place("connection run {bridge}", code=6, **variables)
    finally:
        place.service.emulator.forbidden_imodels.clear()
    assert "The user needs the permissions" in ended.err
    assert f"  on iTwin {place.ids['itwin']}" in ended.err
    assert "ask an administrator of the iTwin" in ended.err


def test_a_404_says_what_was_looked_for_and_what_there_is(place):
    ended = place(f"connection show {ABSENT}", code=1)
    first, second = ended.err.splitlines()[:2]
    assert first == (
        f"There is no storage connection {ABSENT}, or the caller may not see it: the service answered 404 "
        "StorageConnectionNotFound."
    )
    assert second == "There are 'Bridge', 'Tower'."


def test_an_id_that_was_misspelt_is_answered_with_the_one_that_was_meant(place):
    bridge = place.ids["bridge"]
    ended = place(f"connection show {bridge[:-4]}{bridge[-1:-5:-1]}", code=1)
    assert ended.err.splitlines()[1] == f"Did you mean 'Bridge' ({bridge})?"


def test_a_404_of_a_run_names_its_connection(place):
    ended = place("runs show Bridge " + NO_RUN, code=1)
    assert f"There is no run {NO_RUN} of storage connection Bridge (" in ended.err


def test_no_line_repeats_an_id_of_the_line_before(place):
    for line in (f"connection show {ABSENT}", "runs show Bridge " + NO_RUN):
        lines = place(line, code=1).err.splitlines()
        ids = [set(re.findall(r"[\w-]{36,}|https?://\S+", one)) for one in lines]
        assert [before & after for before, after in pairwise(ids) if before & after] == []


def test_a_connection_that_breaks_is_no_host_that_was_not_reached(place):
    rule = FaultRule(method="POST", path="/itwins", action=FaultAction.RESET_BEFORE_HEADERS)
    place.service.emulator.add_fault(rule)
    ended = place("itwin create Broken", code=1)
    place.service.emulator.add_fault(FaultRule(method="POST", path="/itwins", action=FaultAction.DELAY))
    first, second = ended.err.splitlines()
    assert re.match(r"The connection to 127\.0\.0\.1:\d+ broke: .*check before sending it again", first)
    assert second.startswith("No proxy is used.")


def test_a_host_that_is_not_reached_is_named_with_the_proxy(monkeypatch):
    monkeypatch.setenv("HTTPS_PROXY", "http://user:hush@proxy.example:8080")
    error = ConnectionLostError("refused", method="GET", url="https://api.example/itwins/x?y", sent=False)
    assert text_of(error).splitlines() == [
        "api.example was not reached: refused",
        "HTTPS_PROXY names the proxy proxy.example:8080, which commands do not use.",
    ]


def test_an_answer_that_does_not_come_names_the_host(monkeypatch):
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    error = RequestTimeoutError("no answer within 60 s", method="GET", url="https://api.example/itwins", sent=True)
    assert text_of(error).startswith("api.example did not answer in time: no answer within 60 s\nNo proxy is used.")


def text_of(error):
    """The text of an error that needs no request, outside the event loop of the test."""
    told = explained(error, Session(client=None, lookup=None, ask=None))
    with pytest.raises(StopIteration) as returned:
        told.send(None)
    return returned.value.value


def test_a_host_that_is_never_reached_ends_a_call_after_a_minute():
    retry, timeouts = RetryPolicy(), Timeouts()
    waits = sum(retry.wait_after(attempt, chance=0.0) for attempt in range(1, retry.attempts))
    assert retry.attempts * timeouts.connect + waits <= 60


def test_an_option_that_cannot_be_is_refused_before_anything_is_sent(place):
    for line, text in (
        ("itwin list -q --json id", "--json FIELDS prints JSON"),
        ("itwin list -q -o tsv", "-q prints ids, and -o tsv does not"),
        ("itwin list --json ,", "--json needs the names of fields"),
        ("config set imodel Station nothing", "A setting is SETTING=VALUE, not 'nothing'"),
        ("storage upload absent.dgn", "absent.dgn cannot be read"),
        ("manifest run Archive absent.toml", "absent.toml cannot be read"),
    ):
        ended = place(line, code=2)
        assert text in ended.err
        assert ended.operations == ()


def test_a_format_that_is_assumed_must_be_one(place):
    assert "not 'yaml'" in place("itwin list", code=2, BENTLEY_SYNC_OUTPUT="yaml").err
    assert place("itwin list", BENTLEY_SYNC_OUTPUT="ids").out.splitlines()[0] == place.ids["itwin"]


def test_what_is_misspelt_is_answered_with_what_was_meant(place):
    assert "Did you mean 'connection'?" in place("conection list", code=2).err
    assert "Did you mean 'list'?" in place("connection lst", code=2).err
    assert "Did you mean 'remove'?" in place("connection file remov", code=2).err


def test_what_deletes_refuses_where_nobody_can_be_asked(place):
    for line in ("connection delete Bridge", "itwin delete Harbour", "storage rm bridge.dgn", "imodel delete Station"):
        ended = place(line, code=2, given="y\n")
        assert ended.err.endswith("Nobody can be asked here: repeat the command with --yes. Nothing was done.\n")
        assert not [name for name in ended.operations if name.startswith("delete")]


def test_an_error_of_the_service_ends_with_its_code_and_no_output(place):
    ended = place("connection list --imodel fdb67991-f6b6-4ae0-bcb2-000000000000 --json id,displayName")
    assert ended.out == "[]\n"
    ended = place("webhook create http://plain.example --secret-file s", code=2)
    assert (ended.out, "https" in ended.err) == ("", True)


def test_requests_are_shown_on_stderr_without_secrets(place):
    ended = place("--verbose report download Bridge --to shown", code=2)
    assert ended.err.endswith("The connection was never run.\n")
    assert re.search(
        r"^GET http://127\.0\.0\.1:\d+/synchronization/\S+: 200, [\d,]+ bytes in \d\.\d{3} s$", ended.err, re.MULTILINE
    )
    debug = place("--debug itwin list -q")
    assert debug.out.splitlines()[0] == place.ids["itwin"]
    assert re.search(r"^RequestRecord\(method='GET'", debug.err, re.MULTILINE)
    assert re.search(r"^TokenRecord\(", debug.err, re.MULTILINE)
    for text in (ended.err, debug.err):
        assert place.service.emulator.client_secret not in text
        assert "eyJ" not in text
