"""`bentley-sync profile`, through the file of a home."""

import json
import re

import keyring
import pytest
from keyring.backends import null
from support.people.homes import HomeInProcess
from support.served import served

from bentley_sync_async.cli.exit_codes import ExitCode


@pytest.fixture(scope="module")
def service():
    with served() as running:
        yield running


@pytest.fixture
def home(service, tmp_path, monkeypatch):
    monkeypatch.setattr(keyring, "get_keyring", null.Keyring)
    return HomeInProcess(tmp_path, service.emulator)


def shown(home, **variables):
    """The settings that `profile show` prints, as its table has them."""
    said = home.run("profile", "show", **variables)
    assert (said.returncode, said.stderr) == (0, "")
    head, *rows = said.stdout.splitlines()
    return head, {row.split()[0]: re.split(r" {2,}", row)[1:] for row in rows}


def test_each_setting_is_shown_with_where_it_comes_from(home, service):
    home.run("profile", "set", "tier", "community")
    home.run("profile", "set", "itwin", "bridges")
    head, rows = shown(home, BENTLEY_SYNC_ITWIN="roads", BENTLEY_SYNC_TOKEN="hush")
    assert head == f"Profile default of {home.config}"
    assert rows["tier"] == ["community", "profile default"]
    assert rows["itwin"] == ["roads", "BENTLEY_SYNC_ITWIN"]
    assert rows["base_url"] == [service.emulator.url, "BENTLEY_SYNC_BASE_URL"]
    assert rows["issuer"] == [service.emulator.url, "the environment"]
    assert rows["environment"] == ["prod", "the default"]
    assert rows["output"] == ["table", "the default"]
    assert rows["token"] == ["[hidden]", "BENTLEY_SYNC_TOKEN"]
    assert rows["imodel"] == rows["client_secret"] == rows["sign_in"] == ["-"]


def test_the_sign_in_is_a_setting_too(home):
    home.login()
    _, rows = shown(home)
    assert rows["client_id"] == ["native-emulated-0123456789", "profile default"]
    assert rows["redirect_uri"] == ["http://127.0.0.1/signed-in", "profile default"]
    where = f"a file in {home.state / 'bentley-sync'}, readable by its owner only"
    assert rows["sign_in"] == ["Jane Doe (jane.doe@example.com)", where]
    _, elsewhere = shown(home, BENTLEY_SYNC_BASE_URL="http://127.0.0.1:9")
    assert elsewhere["sign_in"] == ["-"]


def test_the_same_as_json(home):
    told = json.loads(home.run("profile", "show", "--json", BENTLEY_SYNC_CLIENT_SECRET="hush").stdout)
    assert (told["profile"], told["file"]) == ("default", str(home.config))
    rows = {row["setting"]: (row.get("value"), row["source"]) for row in told["settings"]}
    assert rows["client_secret"] == ("[hidden]", "BENTLEY_SYNC_CLIENT_SECRET")
    assert rows["itwin"] == (None, "")


def test_a_file_that_is_not_there_is_said_to_be_so(home):
    assert shown(home)[0] == f"Profile default of {home.config}, which is not there"


def test_profiles_are_made_used_and_listed(home):
    made = home.run("profile", "set", "--profile", "qa", "environment", "qa")
    assert made.stdout == (
        "Profile qa has environment = qa.\n"
        "Another profile is used, default. To use this one: bentley-sync profile use qa\n"
    )
    assert home.run("profile", "list").stdout == "* default\n  qa\n"
    assert home.run("profile", "use", "qa").stdout == "Profile qa is used from now on.\n"
    assert home.run("profile", "list").stdout == "  default\n* qa\n"
    assert json.loads(home.run("profile", "list", "--json", BENTLEY_SYNC_PROFILE="default").stdout) == [
        {"name": "default", "used": True},
        {"name": "qa", "used": False},
    ]
    assert "BENTLEY_SYNC_PROFILE is set" in home.run("profile", "use", "qa", BENTLEY_SYNC_PROFILE="default").stderr


def test_a_setting_is_removed(home):
    home.run("profile", "set", "itwin", "bridges")
    assert home.run("profile", "set", "--unset", "itwin").stdout == "Profile default has no itwin any more.\n"
    assert shown(home)[1]["itwin"] == ["-"]


@pytest.mark.parametrize(
    ("key", "value", "variable", "said"),
    [
        ("itwin", "bridges", {"BENTLEY_SYNC_ITWIN": "roads"}, "BENTLEY_SYNC_ITWIN."),
        ("environment", "qa", {}, "one of BENTLEY_SYNC_ENVIRONMENT, _BASE_URL, _ISSUER."),
    ],
)
def test_a_variable_that_wins_is_mentioned(home, key, value, variable, said):
    assert home.run("profile", "set", key, value, **variable).stderr == f"A variable wins over it: {said}\n"


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["set", "token", "hush"], "token is a secret, which no profile keeps: set BENTLEY_SYNC_TOKEN."),
        (["set", "teir", "x"], "A profile has no 'teir'"),
        (["set", "tier"], "Give a VALUE, or --unset without one."),
        (["set", "tier", "basic", "--unset"], "Give a VALUE, or --unset without one."),
        (["use", "nobody"], "There is no profile 'nobody'"),
    ],
)
def test_what_cannot_be_is_a_wrong_argument(home, args, said):
    outcome = home.run("profile", *args)
    assert (outcome.returncode, outcome.stdout) == (ExitCode.USAGE, "")
    assert said in outcome.stderr


def test_a_profile_is_enough_to_run(home, service):
    emulator = service.emulator
    for key, value in {"base_url": emulator.url, "client_id": emulator.client_id}.items():
        home.run("profile", "set", key, value)
    home.variables["BENTLEY_SYNC_BASE_URL"] = ""
    run = home.run("run", emulator.add_connection(), BENTLEY_SYNC_CLIENT_SECRET=emulator.client_secret)
    assert (run.returncode, run.stderr) == (0, "")
    budget = home.run("budget", BENTLEY_SYNC_CLIENT_SECRET=emulator.client_secret)
    assert budget.returncode == 0


@pytest.mark.parametrize("group", ["auth", "profile"])
def test_every_verb_has_two_examples_in_its_help(home, group):
    listed = home.run(group, "--help").stdout.partition("Commands:")[2]
    verbs = re.findall(r"^  (\w+) ", listed, re.MULTILINE)
    assert len(verbs) == 4
    for verb in verbs:
        text = home.run(group, verb, "--help").stdout
        assert len(re.findall(rf"^ +.*bentley-sync {group} {verb}", text, re.MULTILINE)) >= 2
