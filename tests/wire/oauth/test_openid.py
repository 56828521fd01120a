import base64
import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bentley_sync_async import DecodeError
from bentley_sync_async.wire.oauth import (
    Endpoints,
    SignIn,
    TokenAnswer,
    TokenClaims,
    UserInfo,
    decode_endpoints,
    decode_sign_in,
    decode_token,
    decode_user,
    encode_sign_in,
    read_token,
)

DOCUMENT = {
    "issuer": "https://ims.example",
    "authorization_endpoint": "https://ims.example/connect/authorize",
    "token_endpoint": "https://ims.example/connect/token",
}
ENDPOINTS = Endpoints(
    issuer="https://ims.example",
    authorization="https://ims.example/connect/authorize",
    token="https://ims.example/connect/token",
)
NOON = datetime(2026, 11, 27, 12, tzinfo=UTC)
SIGN_IN = SignIn(
    issuer="https://ims.example",
    client_id="native-1",
    scopes="openid itwin-platform",
    access_token="access",
    expires=NOON,
    refresh_token="refresh",
    user=UserInfo(subject="s", name="Jane Doe", email="jane@example.com"),
)


def body(**members):
    return json.dumps(members).encode()


def jwt(payload):
    text = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    return f"e30.{base64.urlsafe_b64encode(text).rstrip(b'=').decode()}.signature"


def test_the_addresses_are_those_of_the_discovery_document():
    assert decode_endpoints(body(**DOCUMENT)) == ENDPOINTS


def test_addresses_that_an_issuer_may_not_have_are_left_out():
    more = {"userinfo_endpoint": "https://ims.example/userinfo", "revocation_endpoint": "https://ims.example/revoke"}
    found = decode_endpoints(body(**DOCUMENT, **more))
    assert (found.userinfo, found.revocation) == tuple(more.values())
    assert decode_endpoints(body(**DOCUMENT, userinfo_endpoint=5)).userinfo is None


@pytest.mark.parametrize("name", DOCUMENT)
@pytest.mark.parametrize("value", [None, "", 5])
def test_an_address_that_a_sign_in_needs_is_missed_by_name(name, value):
    with pytest.raises(DecodeError, match=f"the issuer's discovery document has no {name}"):
        decode_endpoints(body(**DOCUMENT | {name: value}))


@pytest.mark.parametrize("text", [b"[]", b"5", b'"x"'])
def test_what_is_no_object_is_no_discovery_document_and_names_nobody(text):
    with pytest.raises(DecodeError, match="the issuer's discovery document is no JSON object"):
        decode_endpoints(text)
    with pytest.raises(DecodeError, match="the issuer's answer is no JSON object"):
        decode_user(text)


def test_a_person_has_what_the_scopes_let_the_issuer_say():
    assert decode_user(body(sub="s", name="Jane Doe", email="j@x")) == UserInfo(
        subject="s", name="Jane Doe", email="j@x"
    )
    assert decode_user(body(sub="s", name=5)) == UserInfo(subject="s")


def test_an_answer_without_a_subject_names_nobody():
    with pytest.raises(DecodeError, match="it has no sub"):
        decode_user(body(name="Jane Doe"))


@pytest.mark.parametrize(
    ("user", "text"),
    [
        (UserInfo(subject="s", name="Jane Doe", email="j@x"), "Jane Doe (j@x)"),
        (UserInfo(subject="s", name="Jane Doe"), "Jane Doe"),
        (UserInfo(subject="s", email="j@x"), "j@x"),
        (UserInfo(subject="s"), "s"),
    ],
)
def test_a_person_is_called_by_what_is_known(user, text):
    assert str(user) == text


def test_a_token_says_whose_it_is_until_when_and_what_it_allows():
    claims = {"iss": "i", "client_id": "c", "scope": "a b", "exp": NOON.timestamp(), "sub": "s", "email": "j@x"}
    assert read_token(jwt(claims)) == TokenClaims(
        issuer="i", client_id="c", scopes="a b", expires=NOON, user=UserInfo(subject="s", email="j@x")
    )


def test_scopes_may_be_a_list():
    assert read_token(jwt({"scope": ["a", "b"]})).scopes == "a b"


@pytest.mark.parametrize(
    "token",
    ["", "opaque", "a.b", "a.b.c", "a.!.c", "a.b.c.d", jwt([]), jwt(b"{"), jwt({"exp": 1e300}), jwt({"exp": "soon"})],
)
def test_a_token_that_says_nothing_is_no_error(token):
    assert read_token(token) == TokenClaims()


@given(st.text())
def test_no_text_is_an_error(text):
    assert isinstance(read_token(text), TokenClaims)
    assert isinstance(read_token(f"a.{text}.b"), TokenClaims)
    assert decode_sign_in(text) is None


def test_a_sign_in_is_kept_as_text():
    assert decode_sign_in(encode_sign_in(SIGN_IN)) == SIGN_IN
    least = SignIn(issuer="i", client_id="c", scopes="", access_token="t")
    assert decode_sign_in(encode_sign_in(least)) == least


def test_no_repr_shows_a_token():
    answer = TokenAnswer(access_token="access", refresh_token="refresh")
    assert [secret for secret in ("access'", "refresh'") if secret in f"{SIGN_IN!r} {SIGN_IN} {answer!r}"] == []


def test_the_remaining_life_of_a_sign_in():
    assert SIGN_IN.remaining(NOON - timedelta(minutes=2)) == 120
    assert SignIn(issuer="i", client_id="c", scopes="", access_token="t").remaining(NOON) is None


@pytest.mark.parametrize("odd", [None, 5, "", " "])
def test_a_token_without_a_refresh_token_or_scope_is_one(odd):
    found = decode_token(body(access_token="t", refresh_token=odd, scope=odd))
    assert found == TokenAnswer(access_token="t")
    found = decode_token(body(access_token="t", refresh_token="r", scope="a b"))
    assert (found.refresh_token, found.scope) == ("r", "a b")
