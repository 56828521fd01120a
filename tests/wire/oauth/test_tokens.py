from urllib.parse import parse_qs

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.quick import each

from bentley_sync_async import DecodeError
from bentley_sync_async.wire.oauth import TokenAnswer, decode_token, refusal, token_request


def test_a_token_is_asked_for_with_the_client_credentials_grant():
    form = parse_qs(token_request("service-1", "s&e=c+r et", "itwin-platform").decode(), strict_parsing=True)
    assert form == {
        "grant_type": ["client_credentials"],
        "client_id": ["service-1"],
        "client_secret": ["s&e=c+r et"],
        "scope": ["itwin-platform"],
    }


@each(
    ("body", "lifetime"),
    [
        (b'{"access_token": "t", "expires_in": 3600, "token_type": "Bearer"}', 3600),
        (b'{"access_token": "t", "expires_in": 59.5}', 59.5),
        (b'{"access_token": "t", "expires_in": 0.5}', 0.5),
        (b'{"access_token": "t", "expires_in": 999999999.5}', 999999999.5),
        (b'{"access_token": "t", "expires_in": 1000000000}', None),
        (b'{"access_token": "t", "expires_in": 1e300}', None),
        (b'{"access_token": "t"}', None),
        (b'{"access_token": "t", "expires_in": null}', None),
        (b'{"access_token": "t", "expires_in": 0}', None),
        (b'{"access_token": "t", "expires_in": -1}', None),
        (b'{"access_token": "t", "expires_in": "soon"}', None),
    ],
)
def test_a_token_comes_with_its_life_if_the_issuer_says_how_long(body, lifetime):
    assert decode_token(body) == TokenAnswer(access_token="t", expires_in=lifetime)


@each(
    "body", [b"{}", b"[]", b"null", b'"t"', b'{"access_token": ""}', b'{"access_token": 5}', b'{"access_token": null}']
)
def test_an_answer_without_a_token_is_none(body):
    with pytest.raises(DecodeError, match="has no access_token"):
        decode_token(body)


@each("body", [b"", b"<html>", b'{"access_token": "hunter2"'])
def test_an_answer_that_is_not_json_is_reported_without_the_token_in_it(body):
    with pytest.raises(DecodeError) as caught:
        decode_token(body)
    assert "hunter2" not in str(caught.value)


def test_a_token_answer_is_made_by_the_names_of_its_attributes():
    with pytest.raises(TypeError, match="positional"):
        TokenAnswer("t")


def test_a_token_answer_does_not_show_its_token():
    assert "hunter2" not in repr(TokenAnswer(access_token="hunter2", expires_in=3600))


@each(
    ("body", "said"),
    [
        (b'{"error": "invalid_client"}', "invalid_client"),
        (b'{"error": "invalid_scope", "error_description": "No such scope."}', "invalid_scope: No such scope."),
        (b'{"error": "invalid_scope", "error_description": 5}', "invalid_scope"),
        (b'{"error": {"code": "HeaderNotFound"}}', None),
        (b'{"message": "no"}', None),
        (b"[]", None),
        (b"", None),
        (b"<html>Bad gateway</html>", None),
    ],
)
def test_a_refusal_quotes_the_issuers_description(body, said):
    assert refusal(body) == said


def test_a_refusal_shows_no_secret():
    body = b'{"error": "invalid_client", "error_description": "client_secret=hunter2 is wrong"}'
    assert refusal(body) == "invalid_client: client_secret=[hidden] is wrong"


def test_a_refusal_is_short():
    assert len(refusal(b'{"error": "%s"}' % (b"x" * 5000)) or "") == 301


@given(st.binary())
def test_any_bytes_are_a_refusal_or_none(body):
    assert isinstance(refusal(body), str | None)
