"""`bentley-sync auth` in processes of its own, over HTTP, with a person who presses the buttons of the pages."""

import json
import re
import stat
from datetime import UTC, datetime, timedelta

import pytest
from support.people.homes import Home
from support.served import served

from bentley_sync_async.cli.exit_codes import ExitCode

NATIVE = "native-emulated-0123456789"


@pytest.fixture(scope="module")
def service():
    with served() as running:
        yield running


@pytest.fixture(params=[False, True], ids=["file", "keyring"])
def home(request, service, tmp_path):
    return Home(tmp_path, service.emulator, keyring=request.param)


@pytest.fixture
def plain(service, tmp_path):
    return Home(tmp_path, service.emulator)


def kept(home):
    """The text of the sign-in, and the file that has it."""
    if home.keyring.exists():
        entries = json.loads(home.keyring.read_text("utf-8"))
        return "".join(re.sub(r"^\d+ ", "", text) for _, text in sorted(entries.items()))
    [path] = home.state.rglob("*.json")
    return path.read_text("utf-8")


def tokens(home):
    sign_in = json.loads(kept(home))
    return sign_in["accessToken"], sign_in["refreshToken"]


def token_requests(service):
    return sum(request.operation == "token" for request in service.emulator.requests)


def test_a_person_signs_in_and_commands_work_for_them(home, service):
    login = home.login()
    assert (login.returncode, "Signed in as Jane Doe (jane.doe@example.com)" in login.stdout) == (0, True), login
    assert ("keyring (Keyring of the tests)" in login.stdout) == ("KEYRING_FILE" in home.variables)
    assert ("There is no keyring here" in login.stdout) == ("KEYRING_FILE" not in home.variables)
    assert "Back to the terminal" in home.visits.read_text("utf-8")

    run = home.run("run", service.emulator.add_connection())
    assert (run.returncode, run.stderr) == (0, "")
    logout = home.run("auth", "logout")
    assert (logout.returncode, logout.stderr) == (0, "")
    after = home.run("auth", "status")
    assert (after.returncode, after.stdout) == (ExitCode.AUTH, "")
    assert f"Nobody is signed in to the application {NATIVE}" in after.stderr
    assert "bentley-sync auth login" in after.stderr


def test_tokens_are_nowhere_but_where_they_are_kept(home):
    login, status, profile = home.login(), home.run("auth", "status", "--json"), home.run("profile", "show")
    said = "".join(one.stdout + one.stderr for one in (login, status, profile))
    files = {name: text for name, text in home.texts().items() if text not in (kept(home), home.keyring.name)}
    files.pop("keyring.json", None)
    assert {"visits", "config.toml"} <= files.keys()
    for secret in tokens(home):
        assert secret not in said
        assert [name for name, text in files.items() if secret in text] == []


def test_the_file_of_the_tokens_is_for_its_owner_only(plain):
    plain.login()
    [path] = plain.state.rglob("*.json")
    assert [stat.S_IMODE(one.stat().st_mode) for one in (path, path.parent)] == [0o600, 0o700]
    path.chmod(0o640)
    status = plain.run("auth", "status")
    assert status.returncode == ExitCode.USAGE
    assert f"chmod 600 {path}" in status.stderr


def test_the_status_says_who_until_when_what_and_where(plain, service):
    plain.login()
    status = plain.run("auth", "status")
    assert (status.returncode, status.stderr) == (0, "")
    assert status.stdout.splitlines()[0] == "Signed in as Jane Doe (jane.doe@example.com)"
    assert f"{service.emulator.url}, issuer {service.emulator.url}" in status.stdout
    assert re.search(r"until \d\d:\d\d, in (59|60) minutes, renewed by itself", status.stdout)
    assert "scopes      openid profile email offline_access itwin-platform" in status.stdout
    assert f"a file in {plain.state}" in status.stdout

    told = json.loads(plain.run("auth", "status", "--json").stdout)
    assert told["user"]["email"] == "jane.doe@example.com"
    assert (told["kind"], told["clientId"], told["profile"]) == ("person", NATIVE, "default")
    left = datetime.fromisoformat(told["expires"]) - datetime.now(UTC)
    assert timedelta(minutes=58) < left <= timedelta(hours=1)


def test_the_status_of_a_service_application_and_of_a_token(plain, service):
    emulator = service.emulator
    application = {"BENTLEY_SYNC_CLIENT_ID": emulator.client_id, "BENTLEY_SYNC_CLIENT_SECRET": emulator.client_secret}
    told = json.loads(plain.run("auth", "status", "--json", **application).stdout)
    assert (told["kind"], told["clientId"], told["source"]) == (
        *("service", emulator.client_id),
        "BENTLEY_SYNC_CLIENT_SECRET",
    )
    shown = plain.run("auth", "status", BENTLEY_SYNC_TOKEN=service.token())
    assert shown.stdout.startswith("Access token")
    assert "not renewed" in shown.stdout
    assert shown.returncode == 0


def test_credentials_that_are_refused_have_the_code_of_that(plain):
    status = plain.run("auth", "status", BENTLEY_SYNC_TOKEN="nonsense")
    assert (status.returncode, status.stdout) == (ExitCode.AUTH, "")


def test_without_an_answer_the_status_says_what_is_known_and_why_no_more(plain):
    plain.login()
    status = plain.run("auth", "status", BENTLEY_SYNC_BASE_URL="http://127.0.0.1:9", BENTLEY_SYNC_TOKEN="a.b.c")
    assert status.returncode == ExitCode.ERROR
    assert status.stdout.startswith("Access token")
    assert "The service was not asked: " in status.stderr


def test_a_person_who_denies_is_not_signed_in(plain):
    login = plain.login(PRESS="deny")
    assert (login.returncode, login.stdout) == (ExitCode.AUTH, "")
    assert "The sign-in was refused: access_denied" in login.stderr
    assert "Not signed in" in plain.visits.read_text("utf-8")
    assert not list(plain.state.rglob("*.json"))


def test_a_person_who_does_nothing_is_not_waited_for_without_end(plain):
    args = ("--client-id", NATIVE, "--redirect-uri", "http://127.0.0.1/x", "--no-browser", "--timeout", "1")
    login = plain.run("auth", "login", *args)
    assert login.returncode == ExitCode.AUTH
    assert "Visit this page in a browser on this machine:\n  http://127.0.0.1:" in login.stderr
    assert "did not come back in time" in login.stderr
    assert not plain.visits.exists()


def test_a_login_without_an_application_says_how_to_register_one(plain):
    login = plain.run("auth", "login")
    assert login.returncode == ExitCode.USAGE
    assert "register one" in login.stderr
    assert "http://localhost:3000/signin-callback" in login.stderr


def test_nobody_signs_in_to_a_service_application(plain, service):
    login = plain.run("auth", "login", "--client-id", service.emulator.client_id)
    assert (login.returncode, "which nobody signs in to" in login.stderr) == (ExitCode.USAGE, True)


def test_variables_win_over_a_sign_in_and_the_login_says_so(plain):
    assert "BENTLEY_SYNC_TOKEN is set, and wins" in plain.login(BENTLEY_SYNC_TOKEN="t").stderr


def test_the_consent_is_waited_for_and_then_there(plain, service):
    service.emulator.consent = False
    plain.login()
    assert "consent     missing" in plain.run("auth", "status").stdout
    asked = plain.run("auth", "consent", "--timeout", "30")
    assert (asked.returncode, asked.stdout) == (0, "The service works for you now.\n"), asked
    assert plain.run("auth", "consent").stdout == "The service works for you already.\n"
    assert "consent     given" in plain.run("auth", "status").stdout


def test_a_consent_that_is_not_given_in_time_is_an_error(plain, service):
    service.emulator.consent = False
    plain.login()
    asked = plain.run("auth", "consent", "--no-browser", "--timeout", "1")
    assert (asked.returncode, asked.stdout) == (ExitCode.AUTH, "")
    assert "no consent in time" in asked.stderr


def test_a_service_application_needs_no_consent(plain, service):
    asked = plain.run("auth", "consent", BENTLEY_SYNC_CLIENT_ID="service-1", BENTLEY_SYNC_CLIENT_SECRET="s")
    assert (asked.returncode, "needs no consent" in asked.stderr) == (ExitCode.USAGE, True)


def test_processes_renew_a_token_once(home, service):
    home.login()
    old, refresh = tokens(home)
    outdated(home)
    before = token_requests(service)
    processes = [home.start("auth", "status", "--json") for _ in range(4)]
    said = [process.communicate(timeout=60) for process in processes]
    assert [process.returncode for process in processes] == [0] * 4, said
    assert len({json.loads(out)["expires"] for out, _ in said}) == 1
    assert token_requests(service) - before == 1
    new, next_refresh = tokens(home)
    assert (new != old, next_refresh != refresh) == (True, True)


def outdated(home):
    """Make the kept access token look expired."""
    places = [home.keyring] if home.keyring.exists() else list(home.state.rglob("*.json"))
    for path in places:
        text = path.read_text("utf-8")
        path.write_text(re.sub(r'(expires\\?":\\?")\d{4}', r"\g<1>2001", text), "utf-8")
