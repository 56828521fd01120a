"""Access tokens and credentials: what is accepted, and that none is shown."""

import copy
import pickle

import pytest

from bentley_sync_async.auth import ClientCredentials, RefreshingTokenSource, StaticTokenSource
from bentley_sync_async.errors import ConfigurationError
from bentley_sync_async.transport.tokens import Token, TokenSource


async def value_of(text):
    return (await StaticTokenSource(text).token()).value


@pytest.mark.parametrize(
    "pasted",
    ["abc.def", " abc.def\n", "Bearer abc.def", "bearer abc.def", "BEARER   abc.def\r\n", "\tBearer abc.def "],
)
async def test_a_token_may_be_pasted_with_its_scheme_and_a_line_end(pasted):
    assert await value_of(pasted) == "abc.def"


@pytest.mark.parametrize("text", ["bearerabc", "Bearer.abc", "Basic"])
async def test_a_token_that_only_resembles_the_scheme_is_unchanged(text):
    assert await value_of(text) == text


@pytest.mark.parametrize("empty", ["", "   ", "\n", "Bearer ", "bearer \n", None, 7, b"abc"])
def test_an_empty_token_is_rejected(empty):
    with pytest.raises(ConfigurationError, match="The access token is empty"):
        StaticTokenSource(empty)


BAD = ["se cret", "secret\r\nX-Evil: 1", "secr\u00e9t", "secret\x00", "secret\x7f", "\u201csecret\u201d"]


@pytest.mark.parametrize("bad", BAD)
def test_a_token_with_invalid_characters_is_rejected(bad):
    with pytest.raises(ConfigurationError, match="characters that no token has"):
        StaticTokenSource(bad)


@pytest.mark.parametrize("bad", BAD)
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


@pytest.mark.parametrize("show", [repr, str, "{}".format, lambda token: f"{[token]}"])
def test_repr_and_str_of_a_token_do_not_show_it(show):
    assert "hush" not in show(Token(value="hush", expires_in=60))


@pytest.mark.parametrize("show", [repr, str])
@pytest.mark.parametrize("source", [StaticTokenSource("hush"), RefreshingTokenSource(lambda: "hush")])
def test_repr_and_str_of_a_source_do_not_show_its_token(show, source):
    assert "hush" not in show(source)


def test_the_lifetime_of_a_token_may_be_unknown():
    assert Token(value="abc").expires_in is None


@pytest.mark.parametrize("same", [copy.copy, copy.deepcopy, lambda token: pickle.loads(pickle.dumps(token))])
def test_a_token_can_be_copied(same):
    assert same(Token(value="abc", expires_in=1.0)) == Token(value="abc", expires_in=1.0)


@pytest.mark.parametrize("source", [StaticTokenSource("abc"), RefreshingTokenSource(lambda: "abc")])
def test_the_sources_of_this_package_are_token_sources(source):
    assert isinstance(source, TokenSource)


@pytest.mark.parametrize("show", [repr, str])
def test_repr_and_str_of_credentials_do_not_show_the_secret(show):
    assert "hush" not in show(ClientCredentials("service-1", "hush"))


def test_repr_of_credentials_shows_the_client_id():
    assert "service-1" in repr(ClientCredentials("service-1", "hush"))


@pytest.mark.parametrize(
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
