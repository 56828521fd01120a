"""A user's program that lets people sign in. Type checkers read it; nothing runs it."""

from datetime import datetime
from pathlib import Path
from typing import assert_type

from bentley_sync_async import Environment, SignInError, SynchronizationClient, to_builtins, to_json
from bentley_sync_async.auth import (
    FileStore,
    KeyringStore,
    NativeApplication,
    SignIn,
    SignInStore,
    TokenClaims,
    UserInfo,
    consent,
    default_store,
    kept_sign_in,
    open_browser,
    open_or_print,
    read_token,
    sign_in,
    sign_out,
)


class OneFile:
    """A store of the user's own."""

    place = "a file"

    def load(self, key: str) -> str | None:
        return Path(key).read_text(encoding="utf-8")

    def save(self, key: str, text: str) -> None:
        Path(key).write_text(text, encoding="utf-8")

    def delete(self, key: str) -> None:
        Path(key).unlink()


async def main() -> None:
    stores: list[SignInStore] = [OneFile(), FileStore(), KeyringStore()]
    application = NativeApplication("native-1", redirect_uri="http://127.0.0.1/back", store=stores[0])
    assert_type(default_store(), KeyringStore | FileStore)
    try:
        signed_in = await sign_in(application, environment=Environment.QA, timeout=60, show=open_or_print)
    except SignInError as error:
        raise SystemExit(str(error)) from error
    assert_type(signed_in, SignIn)
    assert_type(signed_in.expires, datetime | None)
    assert_type(signed_in.user, UserInfo | None)
    assert_type(await kept_sign_in(application), SignIn | None)
    assert_type(read_token(signed_in.access_token), TokenClaims)
    async with SynchronizationClient(application, environment=Environment.QA) as client:
        assert_type(await consent(client.authorization.get, show=open_browser), bool)
    assert_type(await sign_out(application), bool)
    assert_type(to_json(signed_in.user), str)
    to_builtins(signed_in.user)
