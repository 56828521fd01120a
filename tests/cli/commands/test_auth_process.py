"""`bentley-sync auth` in processes of its own, over HTTP, with a person who presses the buttons of the pages."""

import json
import re
import stat

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
    assert "Back to the terminal" in home.visited()

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


def test_the_file_of_the_tokens_is_for_its_owner_only(service, tmp_path):
    plain = Home(tmp_path, service.emulator)
    plain.login()
    [path] = plain.state.rglob("*.json")
    assert [stat.S_IMODE(one.stat().st_mode) for one in (path, path.parent)] == [0o600, 0o700]
    path.chmod(0o640)
    status = plain.run("auth", "status")
    assert status.returncode == ExitCode.USAGE
    assert f"chmod 600 {path}" in status.stderr


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
