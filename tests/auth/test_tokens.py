"""Access tokens and credentials: what is accepted, and that none is shown."""

import copy
import pickle
from datetime import timedelta
from decimal import Decimal
from math import inf, nan

import pytest
from support.quick import each
from support.transport import ScriptedTransport

from bentley_sync_async import SynchronizationClient
from bentley_sync_async.auth.client_credentials import ClientCredentials
from bentley_sync_async.auth.refreshing import RefreshingTokenSource
from bentley_sync_async.auth.static import StaticTokenSource
from bentley_sync_async.errors import ConfigurationError
from bentley_sync_async.transport.tokens import Token, TokenSource


async def value_of(text):
    return (await StaticTokenSource(text).token()).value


@each(
    "pasted", ["abc.def", " abc.def\n", "Bearer abc.def", "bearer abc.def", "BEARER   abc.def\r\n", "\tBearer abc.def "]
)
async def test_a_token_may_be_pasted_with_its_scheme_and_a_line_end(pasted):
    assert await value_of(pasted) == "abc.def"


@each("text", ["bearerabc", "Bearer.abc", "Basic"])
async def test_a_token_that_only_resembles_the_scheme_is_unchanged(text):
    assert await value_of(text) == text


@each("empty", ["", "   ", "\n", "Bearer ", "bearer \n", None, 7, b"abc"])
def test_an_empty_token_is_rejected(empty):
    with pytest.raises(ConfigurationError, match="The access token is empty"):
        StaticTokenSource(empty)


BAD = ["se cret", "secret\r\nX-Evil: 1", "secr\u00e9t", "secret\x00", "secret\x7f", "\u201csecret\u201d"]


@each("bad", BAD)
def test_a_token_with_invalid_characters_is_rejected(bad):
    with pytest.raises(ConfigurationError, match="characters that no token has"):
        StaticTokenSource(bad)


@each("bad", BAD)
def test_the_error_does_not_show_the_token(bad):
    with pytest.raises(ConfigurationError) as caught:
        StaticTokenSource(bad)

    assert "secr" not in f"{caught.value!r}{caught.value}"


async def test_a_fixed_token_is_the_same_object_every_time():
    source = StaticTokenSource("abc")

    assert await source.token() is await source.token()


async def test_invalidate_of_a_fixed_token_says_that_there_is_no_other():
    source = StaticTokenSource("abc")

    assert source.invalidate(await source.token()) is False


@each("show", [repr, str, "{}".format, lambda token: f"{[token]}"])
def test_repr_and_str_of_a_token_do_not_show_it(show):
    assert "hush" not in show(Token(value="hush", expires_in=60))


@each("show", [repr, str])
@each("source", [StaticTokenSource("hush"), RefreshingTokenSource(lambda: "hush")])
def test_repr_and_str_of_a_source_do_not_show_its_token(show, source):
    assert "hush" not in show(source)


def test_the_lifetime_of_a_token_may_be_unknown():
    assert Token(value="abc").expires_in is None


@each("same", [copy.copy, copy.deepcopy, lambda token: pickle.loads(pickle.dumps(token))])
def test_a_token_can_be_copied(same):
    assert same(Token(value="abc", expires_in=1.0)) == Token(value="abc", expires_in=1.0)


@each("source", [StaticTokenSource("abc"), RefreshingTokenSource(lambda: "abc")])
def test_the_sources_of_this_package_are_token_sources(source):
    assert isinstance(source, TokenSource)


@each("show", [repr, str])
def test_repr_and_str_of_credentials_do_not_show_the_secret(show):
    assert "hush" not in show(ClientCredentials("service-1", "hush"))


def test_repr_of_credentials_shows_the_client_id():
    assert "service-1" in repr(ClientCredentials("service-1", "hush"))


@each(
    ("client_id", "client_secret", "named"),
    [
        *((empty, "hush", "client_id") for empty in ("", "  ", None)),
        *(("service-1", empty, "client_secret") for empty in ("", "\n", None)),
    ],
)
def test_empty_credentials_are_rejected_by_name(client_id, client_secret, named):
    with pytest.raises(ConfigurationError, match=f"The {named} of the service application is empty"):
        ClientCredentials(client_id, client_secret)


async def test_a_fixed_token_is_ready():
    source = StaticTokenSource("abc")

    assert source.ready() is await source.token()


@each("lifetime", ["3600", b"1", True, nan, -1, -inf, [60], timedelta(hours=1), Decimal(60)])
def test_a_lifetime_that_is_no_number_of_seconds_is_rejected(lifetime):
    with pytest.raises(ConfigurationError, match="expires_in must be a number of seconds of at least 0, or None, not"):
        Token(value="abc", expires_in=lifetime)


@each("lifetime", [0, 60, 0.5, inf, 10**400])
async def test_any_number_of_seconds_is_a_lifetime(lifetime):
    async def fetch():
        return Token(value="abc", expires_in=lifetime)

    assert (await RefreshingTokenSource(fetch).token()).expires_in == min(lifetime, 10**9)


def test_a_class_is_no_token_source():
    class Source(StaticTokenSource):
        pass

    with pytest.raises(ConfigurationError, match="token must be a string, ClientCredentials"):
        SynchronizationClient(Source)


GARBAGE = [None, 7, b"hush", {"access_token": "hush"}, ["hush"], object]


class Garbled:
    def __init__(self, token):
        self._token = token

    async def token(self):
        return self._token

    def invalidate(self, token):
        return False


@each("garbage", [*GARBAGE, "hush"])
async def test_a_token_source_that_returns_no_token_is_an_error_that_does_not_show_it(garbage):
    transport, client = scripted_with(Garbled(garbage))
    with pytest.raises(ConfigurationError, match=f"the token source returned {type(garbage).__name__}") as caught:
        await client.storage_connections.get("a" * 43)
    assert "hush" not in str(caught.value)
    assert transport.sent == []


@each("garbage", GARBAGE)
async def test_a_token_function_that_returns_no_token_ends_a_watch_and_a_bulk_at_once(garbage):
    async def token():
        return garbage

    _, client = scripted_with(token)
    with pytest.raises(ConfigurationError, match="the token source returned") as caught:
        await client.watch("a" * 43).result()
    assert "hush" not in str(caught.value)
    with pytest.raises(ConfigurationError, match="the token source returned"):
        async with client.run_many(["a" * 43]) as bulk:
            await bulk.result()


def scripted_with(token):
    transport = ScriptedTransport()
    return transport, SynchronizationClient(token, transport=transport, base_url="https://api.example")
