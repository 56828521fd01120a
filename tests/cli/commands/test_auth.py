"""`bentley-sync auth` over HTTP, with a person who presses the buttons of the pages."""

import json
import re
from datetime import UTC, datetime, timedelta

import keyring
import pytest
from keyring.backends import null
from support.people.homes import HomeInProcess
from support.served import served

from bentley_sync_async.cli.commands.auth import Status, _text
from bentley_sync_async.cli.exit_codes import ExitCode
from bentley_sync_async.emulator import FaultAction, FaultRule

NATIVE = "native-emulated-0123456789"


@pytest.fixture(scope="module")
def service():
    with served() as running:
        yield running


@pytest.fixture
def home(service, tmp_path, monkeypatch):
    monkeypatch.setattr(keyring, "get_keyring", null.Keyring)
    return HomeInProcess(tmp_path, service.emulator)


def test_the_status_says_who_until_when_what_and_where(home, service):
    home.login()
    status = home.run("auth", "status")
    assert (status.returncode, status.stderr) == (0, "")
    assert status.stdout.splitlines()[0] == "Signed in as Jane Doe (jane.doe@example.com)"
    assert f"none of Bentley: {service.emulator.url}, issuer {service.emulator.url}" in status.stdout
    assert re.search(r"until \d\d:\d\d, in (59|60) minutes, renewed by itself", status.stdout)
    assert "scopes      openid profile email offline_access itwin-platform" in status.stdout
    assert f"a file in {home.state}" in status.stdout

    told = json.loads(home.run("auth", "status", "--json").stdout)
    assert told["user"]["email"] == "jane.doe@example.com"
    assert (told["kind"], told["clientId"], told["profile"]) == ("person", NATIVE, "default")
    left = datetime.fromisoformat(told["expires"]) - datetime.now(UTC)
    assert timedelta(minutes=58) < left <= timedelta(hours=1)


def test_the_status_of_a_service_application_and_of_a_token(home, service):
    emulator = service.emulator
    application = {"BENTLEY_SYNC_CLIENT_ID": emulator.client_id, "BENTLEY_SYNC_CLIENT_SECRET": emulator.client_secret}
    told = json.loads(home.run("auth", "status", "--json", **application).stdout)
    assert (told["kind"], told["clientId"], told["source"]) == (
        *("service", emulator.client_id),
        "BENTLEY_SYNC_CLIENT_SECRET",
    )
    shown = home.run("auth", "status", BENTLEY_SYNC_TOKEN=service.token())
    assert shown.stdout.startswith("Access token")
    assert "not renewed" in shown.stdout
    assert shown.returncode == 0


def test_credentials_that_are_refused_have_the_code_of_that(home):
    status = home.run("auth", "status", BENTLEY_SYNC_TOKEN="nonsense")
    assert (status.returncode, status.stdout) == (ExitCode.AUTH, "")


def test_without_an_answer_the_status_says_what_is_known_and_why_no_more(home):
    home.login()
    status = home.run("auth", "status", BENTLEY_SYNC_BASE_URL="http://127.0.0.1:9", BENTLEY_SYNC_TOKEN="a.b.c")
    assert status.returncode == ExitCode.ERROR
    assert status.stdout.startswith("Access token")
    assert "The service was not asked: " in status.stderr


def test_the_status_names_the_environment():
    configured = Status(kind="token", source="s", profile="p", environment="qa", base_url="b", issuer="i")
    assert "environment qa: b, issuer i" in _text(configured)


def test_a_person_who_denies_is_not_signed_in(home):
    login = home.login(PRESS="deny")
    assert (login.returncode, login.stdout) == (ExitCode.AUTH, "")
    assert "The sign-in was refused: access_denied" in login.stderr
    assert "Not signed in" in home.visited()
    assert not list(home.state.rglob("*.json"))


def test_a_person_who_does_nothing_is_not_waited_for_without_end(home):
    args = ("--client-id", NATIVE, "--redirect-uri", "http://127.0.0.1/x", "--no-browser", "--timeout", "1")
    login = home.run("auth", "login", *args)
    assert login.returncode == ExitCode.AUTH
    assert "Visit this page in a browser on this machine:\n  http://127.0.0.1:" in login.stderr
    assert "did not come back in time" in login.stderr
    assert not home.visits.exists()


def test_a_login_without_an_application_says_how_to_register_one(home):
    login = home.run("auth", "login")
    assert login.returncode == ExitCode.USAGE
    assert "register one" in login.stderr
    assert "http://localhost:3000/signin-callback" in login.stderr


def test_nobody_signs_in_to_a_service_application(home, service):
    login = home.run("auth", "login", "--client-id", service.emulator.client_id)
    assert (login.returncode, "which nobody signs in to" in login.stderr) == (ExitCode.USAGE, True)


def test_variables_win_over_a_sign_in_and_the_login_says_so(home):
    login = home.login(BENTLEY_SYNC_TOKEN="t", BENTLEY_SYNC_CLIENT_ID="service-1")
    assert re.findall(r"^(\w+) is set, and wins", login.stderr, re.MULTILINE) == [
        *("BENTLEY_SYNC_TOKEN", "BENTLEY_SYNC_CLIENT_ID")
    ]


def test_the_consent_is_waited_for_and_then_there(home, service):
    service.emulator.consent = False
    home.login()
    assert "consent     missing" in home.run("auth", "status").stdout
    asked = home.run("auth", "consent", "--timeout", "30")
    assert (asked.returncode, asked.stdout) == (0, "The service works for you now.\n"), asked
    assert home.run("auth", "consent").stdout == "The service works for you already.\n"
    assert "consent     given" in home.run("auth", "status").stdout


def test_a_consent_that_is_not_given_in_time_is_an_error(home, service):
    service.emulator.consent = False
    home.login()
    asked = home.run("auth", "consent", "--no-browser", "--timeout", "1")
    assert (asked.returncode, asked.stdout) == (ExitCode.AUTH, "")
    assert "no consent in time" in asked.stderr


def test_a_service_application_needs_no_consent(home, service):
    asked = home.run("auth", "consent", BENTLEY_SYNC_CLIENT_ID="service-1", BENTLEY_SYNC_CLIENT_SECRET="s")
    assert (asked.returncode, "needs no consent" in asked.stderr) == (ExitCode.USAGE, True)


def refuse(service, status, last):
    """Let the service answer so many questions for the consent with a status."""
    rule = FaultRule(path="/authorizationinformation", action=FaultAction.STATUS, status=status, last=last)
    service.emulator.add_fault(rule)


def test_a_service_in_trouble_is_no_reason_to_keep_back_what_is_known(home, service):
    home.login()
    refuse(service, 503, last=2)
    status = home.run("auth", "status")
    assert status.returncode == ExitCode.ERROR
    assert status.stdout.startswith("Signed in as Jane Doe")
    assert "consent" not in status.stdout
    assert "The service was not asked: " in status.stderr


def test_a_token_that_the_service_refuses_is_renewed(home, service):
    home.login()
    before = re.search(r'accessToken":"([^"]+)', next(home.state.rglob("*.json")).read_text("utf-8"))[1]
    refuse(service, 401, last=1)
    status = home.run("auth", "status")
    assert (status.returncode, status.stderr) == (0, "")
    assert before not in next(home.state.rglob("*.json")).read_text("utf-8")


def test_a_person_signs_out_once(home, service):
    home.login()
    where = service.emulator.url
    assert home.run("auth", "logout").stdout == f"Signed out of {where}.\n"
    assert home.run("auth", "logout").stdout == f"Nobody was signed in at {where}.\n"
