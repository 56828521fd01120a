"""The tokens of a person who signed in: renewed once, by one task and one process at a time."""

import subprocess
import sys
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs

import anyio
import pytest
from attrs import evolve
from support.people.visitor import MemoryStore

from bentley_sync_async import ConfigurationError, CredentialsError, SynchronizationClient, TokenUnavailableError
from bentley_sync_async.auth import NativeApplication, SignIn
from bentley_sync_async.auth import kept as kept_module
from bentley_sync_async.auth.issuer import Issuer
from bentley_sync_async.auth.keeping.process_lock import process_lock
from bentley_sync_async.auth.kept import SignedInTokenSource, check_installed
from bentley_sync_async.testing import After, ScriptedTransport, answer, lost
from bentley_sync_async.wire.oauth import decode_sign_in, encode_sign_in

pytestmark = pytest.mark.usefixtures("state")

URL = "https://ims.example"
DOCUMENT = answer(
    200, {"issuer": URL, "authorization_endpoint": f"{URL}/authorize", "token_endpoint": f"{URL}/connect/token"}
)
KEY = f"native-1 {URL}"


def sign_in(*, left=0.0, **more):
    expires = datetime.now(UTC) + timedelta(seconds=left)
    plain = {"access_token": "access-1", "refresh_token": "refresh-1", "expires": expires}
    return SignIn(issuer=URL, client_id="native-1", scopes="a", **plain | more)


def granted(number=2, **more):
    plain = {"access_token": f"access-{number}", "refresh_token": f"refresh-{number}", "expires_in": 3600}
    return answer(200, plain | more)


class Kept:
    """A sign-in that is kept, and its application."""

    def __init__(self, found=None):
        self.application = NativeApplication("native-1", store=MemoryStore())
        if found is not None:
            self.application.store.save(KEY, encode_sign_in(found))

    def source(self, *script):
        transport = ScriptedTransport(*script)
        return SignedInTokenSource(self.application, Issuer(URL, transport)), transport

    @property
    def found(self):
        return decode_sign_in(self.application.store.load(KEY))


def refreshed_with(transport):
    forms = [parse_qs(sent.request.body.decode()) for sent in transport.sent if sent.request.body]
    return [form["refresh_token"] for form in forms]


async def test_a_token_that_is_valid_is_used_without_a_request():
    source, transport = Kept(sign_in(left=600)).source()
    token = await source.token()
    assert token.value == "access-1"
    assert 590 < token.expires_in <= 600
    assert transport.sent == []


async def test_a_token_without_an_end_is_used_until_it_is_refused():
    kept = Kept(sign_in(expires=None))
    source, _ = kept.source(DOCUMENT, granted())
    token = await source.token()
    assert (token.value, token.expires_in) == ("access-1", None)
    source.invalidate(token)
    assert (await source.token()).value == "access-2"


@pytest.mark.parametrize("left", [-100, 0, 59])
async def test_a_token_that_is_about_to_expire_is_renewed_and_kept(left):
    kept = Kept(sign_in(left=left))
    source, transport = kept.source(DOCUMENT, granted(scope="b"))
    assert (await source.token()).value == "access-2"
    found = kept.found
    assert (found.access_token, found.refresh_token, found.scopes) == ("access-2", "refresh-2", "b")
    assert timedelta(minutes=59) < found.expires - datetime.now(UTC) <= timedelta(hours=1)
    assert parse_qs(transport.sent[1].request.body.decode()) == {
        "grant_type": ["refresh_token"],
        "client_id": ["native-1"],
        "refresh_token": ["refresh-1"],
    }


@pytest.mark.parametrize("same", ["refresh-1", None])
async def test_a_refresh_token_that_stays_valid_is_used_again(same):
    kept = Kept(sign_in())
    source, _ = kept.source(DOCUMENT, granted(refresh_token=same))
    await source.token()
    assert (kept.found.refresh_token, kept.found.scopes) == ("refresh-1", "a")


async def test_many_tasks_and_two_clients_renew_once():
    kept = Kept(sign_in())
    one, first = kept.source(DOCUMENT, After(1, granted()))
    two, second = kept.source(DOCUMENT)
    values = []

    async def get(source):
        values.append((await source.token()).value)

    async with anyio.create_task_group() as group:
        for source in [one, two] * 10:
            group.start_soon(get, source)
    assert values == ["access-2"] * 20
    assert refreshed_with(first) + refreshed_with(second) == [["refresh-1"]]


async def test_a_token_that_the_service_refused_is_not_used_again():
    kept = Kept(sign_in(left=600))
    source, transport = kept.source(DOCUMENT, granted())
    assert source.invalidate(await source.token())
    assert (await source.token()).value == "access-2"
    assert refreshed_with(transport) == [["refresh-1"]]


async def test_a_token_that_another_process_renewed_is_taken():
    kept = Kept(sign_in(left=600))
    source, transport = kept.source()
    source.invalidate(await source.token())
    kept.application.store.save(KEY, encode_sign_in(sign_in(left=600, access_token="access-9")))
    assert (await source.token()).value == "access-9"
    assert transport.sent == []


async def test_a_refresh_token_that_is_refused_is_not_sent_again():
    kept = Kept(sign_in())
    source, transport = kept.source(DOCUMENT, answer(400, {"error": "invalid_grant", "error_description": "refresh-1"}))
    with pytest.raises(CredentialsError, match=r"invalid_grant.*The sign-in is over: sign in again") as caught:
        await source.token()
    assert "refresh-1" not in str(caught.value)
    assert kept.found == evolve(kept.found, refresh_token=None)
    with pytest.raises(CredentialsError, match=r"is over\. Sign in again: bentley-sync auth login"):
        await source.token()
    assert len(transport.sent) == 2


@pytest.mark.parametrize("trouble", [lost(), answer(503), answer(200, {})])
async def test_an_issuer_in_trouble_ends_no_sign_in(trouble):
    kept = Kept(sign_in())
    source, transport = kept.source(DOCUMENT, trouble, granted())
    with pytest.raises(TokenUnavailableError):
        await source.token()
    assert kept.found.refresh_token == "refresh-1"
    assert (await source.token()).value == "access-2"
    assert len(transport.sent) == 3


async def test_without_offline_access_a_person_signs_in_again():
    source, _ = Kept(sign_in(refresh_token=None)).source()
    with pytest.raises(CredentialsError, match="Sign in again"):
        await source.token()


async def test_nobody_is_signed_in():
    source, _ = Kept().source()
    with pytest.raises(CredentialsError, match=r"Nobody is signed in to the application native-1 at .*the memory"):
        await source.token()


async def test_tokens_that_arrive_after_a_cancellation_are_kept():
    kept = Kept(sign_in())
    source, _ = kept.source(DOCUMENT, After(5, granted()))
    with anyio.move_on_after(1):
        await source.token()
    assert kept.found.refresh_token == "refresh-2"


async def test_a_client_uses_the_sign_in_and_renews_it_after_a_401():
    kept = Kept(sign_in(left=600))
    transport = ScriptedTransport(
        answer(401, {"error": {"code": "Unauthorized", "message": "no"}}), DOCUMENT, granted(), answer(204)
    )
    async with SynchronizationClient(kept.application, issuer=URL, transport=transport) as client:
        await client.storage_connections.delete("aGVsbG8")
    tokens = [sent.request.headers.get("Authorization") for sent in transport.sent]
    assert tokens == ["Bearer access-1", None, None, "Bearer access-2"]


async def test_a_library_that_is_not_installed_is_named(monkeypatch):
    monkeypatch.setattr(kept_module, "find_spec", lambda name: None if name == "oauthlib" else name)
    with pytest.raises(ConfigurationError, match=r"Signing in needs oauthlib: pip install '.*\[login\]'"):
        check_installed()


# The lock between processes.


HOLD = """
import sys, anyio
from bentley_sync_async.auth.keeping.process_lock import process_lock
async def main():
    async with process_lock("key"):
        print("held", flush=True)
        sys.stdin.read()
anyio.run(main)
"""


async def test_a_lock_is_waited_for_and_is_free_when_its_process_is_killed(state):
    command = [sys.executable, "-c", HOLD]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(command, text=True, **pipes) as process:  # noqa: ASYNC220 - time is virtual
        assert process.stdout.readline() == "held\n"
        entered = False
        with anyio.move_on_after(10):
            async with process_lock("key"):
                entered = True
        assert not entered
        process.kill()
    async with process_lock("key"):
        entered = True
    assert entered
    assert [path.stat().st_mode & 0o777 for path in state.iterdir()] == [0o600]


async def test_another_key_has_another_lock():
    async with process_lock("a"), process_lock("b"):
        with anyio.move_on_after(1) as scope:
            async with process_lock("a"):
                pass
    assert scope.cancelled_caught


async def test_a_folder_that_cannot_be_made_is_named(monkeypatch, tmp_path):
    (tmp_path / "file").write_text("", "utf-8")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "file"))
    with pytest.raises(ConfigurationError, match=r"file/bentley-sync cannot hold a lock: "):
        async with process_lock("key"):
            pass
