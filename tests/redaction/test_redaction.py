"""Secrets are removed from texts and bodies, in every notation."""

import html
import json
from urllib.parse import quote, quote_plus, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.quick import each

from bentley_sync_async.redaction import excerpt, redact, without

JWT = "eyJhbGciOiJSUzI1NiJ9.eyJzY29wZSI6WyJpdHdpbi1wbGF0Zm9ybSJdfQ.c2ln-bmF0_dXJl"
SECRET = "hunter2"
NAMES = ["access_token", "refresh_token", "id_token", "client_secret", "client_assertion", "password", "secret"]


@each(
    "text",
    [
        "Authorization: Bearer hunter2",
        "authorization: bearer  hunter2",
        "Bearer hunter2==",
        "Bearer abc.hunter2-_~+/x=",
        "Authorization: Basic hunter2=",
        "authorization=hunter2",
        '{"Authorization": "Bearer hunter2"}',
        "https://h/x?sv=1&sig=hunter2&se=2",
        "https://h/x?sig=hunter2",
        "https://h/x?X-Amz-Algorithm=AWS4&X-Amz-Signature=hunter2",
        "https://h/x?X-Amz-Security-Token=hunter2&y=1",
        "https://h/x?X-Goog-Signature=hunter2",
        "https://h/_layouts/15/download.aspx?UniqueId=1&tempauth=hunter2",
        "https://h/x?SIG=hunter2%2Fabc%3D",
        "Ocp-Apim-Subscription-Key: hunter2",
        "subscription-key=hunter2",
        "code_verifier=hunter2",
        "'client_secret': 'hunter2'",
        "client_secret = hunter2",
        "the password:hunter2.",
        '{"clientSecret":"hunter2"}',
        '{"accessToken":"hunter2"}',
        '{"newPassword": "hunter2"}',
        "appSecret=hunter2",
    ],
)
def test_a_secret_is_hidden(text):
    assert SECRET not in redact(text)
    assert "[hidden]" in redact(text)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "secret", [SECRET, "hun ter2", "hun&ter2", "hun}ter2", "hun,ter2", 'hun"ter2', "hun\\ter2", "ä=&"]
)
class TestASecretUnderItsName:
    def test_is_hidden_in_a_form(self, name, secret):
        text = urlencode({"grant_type": "x", name: secret, "scope": "y"})
        assert redact(text) == f"grant_type=x&{name}=[hidden]&scope=y"

    def test_is_hidden_in_json(self, name, secret):
        text = json.dumps({"grant_type": "x", name: secret, "scope": "y"})
        assert json.loads(redact(text)) == {"grant_type": "x", name: "[hidden]", "scope": "y"}


@each("name", NAMES)
@each("secret", [SECRET, "hun ter2", "hun&ter2", "hun}ter2", "hun,ter2"])
def test_a_secret_in_json_inside_json_is_hidden(name, secret):
    text = json.dumps({"message": json.dumps({name: secret})})
    assert json.loads(redact(text)) == {"message": json.dumps({name: "[hidden]"})}


@each("text", [JWT, f"token {JWT} refused", f'"{JWT}"', f"({JWT})", JWT.rpartition(".")[0] + "."])
def test_a_json_web_token_is_hidden_anywhere_in_a_text(text):
    assert "eyJ" not in redact(text)


def escaped(text, notation):
    return "".join(c if c.isascii() and c.isalnum() else notation.format(ord(c)) for c in text)


NOTATIONS = {
    "bare": str,
    "JSON": lambda secret: json.dumps(secret)[1:-1],
    "JSON in UTF-8": lambda secret: json.dumps(secret, ensure_ascii=False)[1:-1],
    "JSON in JSON": lambda secret: json.dumps(json.dumps(secret))[3:-3],
    "JSON with slashes": lambda secret: json.dumps(secret)[1:-1].replace("/", "\\/"),
    ".NET's JSON": lambda secret: escaped(secret, "\\u{:04X}"),
    ".NET's JSON in JSON": lambda secret: escaped(secret, "\\\\u{:04X}"),
    "a URL": lambda secret: quote(secret, safe=""),
    "a URL in lower case": lambda secret: "".join(
        c if c.isascii() and c.isalnum() else "".join(f"%{byte:02x}" for byte in c.encode()) for c in secret
    ),
    "a URL in a URL": lambda secret: quote(quote(secret, safe=""), safe=""),
    "a form": quote_plus,
    "HTML": html.escape,
    "HTML in JSON": lambda secret: json.dumps(html.escape(secret))[1:-1],
    "HTML in HTML": lambda secret: html.escape(html.escape(secret)),
    "HTML with numbers": lambda secret: escaped(secret, "&#{};"),
    "HTML with hexadecimal numbers": lambda secret: escaped(secret, "&#x{:X};"),
}


@pytest.mark.parametrize("notation", NOTATIONS)
@given(secret=st.text(alphabet="aB3+/=%&\\\"' <>.-_~ä", min_size=1))
def test_a_secret_is_removed_in_every_notation(notation, secret):
    body = f'{{"message": "|{NOTATIONS[notation](secret)}|"}}'.encode()
    shown = without(secret, body)
    assert shown.startswith(b'{"message": "|[hidden]') or secret in '{"message": "|"}'
    assert shown.endswith(b'[hidden]|"}') or secret in '{"message": "|"}'


@each("notation", NOTATIONS)
def test_a_secret_is_removed_at_every_place(notation):
    secret = "abc+def/ghijk0123456789=="
    quoted = NOTATIONS[notation](secret)
    assert without(secret, f"{quoted} and {quoted}, {quoted}.".encode()) == b"[hidden] and [hidden], [hidden]."


@given(st.binary(), st.text(alphabet="aB3+/=", min_size=12))
def test_a_body_without_the_secret_is_unchanged(body, secret):
    assert without(secret, body) == body


@each(
    "text",
    [
        "The user has insufficient permissions for the requested operation.",
        "Provided connectionId value is not valid.",
        "https://api.bentley.com/synchronization/imodels/storageconnections/MWplZe9Uf0iR1IDMqyOMLqBN0_wHEVBGg_CzJmXdmE4/runs",
        "design=5&assign: 6",
        '{"id": "de626d0d-1647-48d7-8c11-f1f74f2d4523", "state": "Queued"}',
    ],
)
def test_a_text_without_secrets_is_unchanged(text):
    assert redact(text) == text


@given(
    st.text() | st.lists(st.sampled_from([*NAMES, "=", ": ", '"', "Bearer ", "x", "\\", "[hidden]", "]"])).map("".join)
)
def test_redacting_a_redacted_text_again_changes_nothing(text):
    once = redact(text)
    assert redact(redact(once)) == redact(once)
    assert len(redact(once)) <= len(once) + len("[hidden]") * once.count("=") + len("[hidden]") * once.count(":")


@given(st.text(max_size=3000), st.integers(1, 500))
def test_an_excerpt_is_one_line_of_at_most_its_limit_and_an_ellipsis(text, limit):
    shown = excerpt(text, limit)
    assert len(shown) <= limit + 1
    assert len(shown.splitlines()) <= 1


def test_a_short_excerpt_is_the_whole_text():
    assert excerpt("not found", 9) == "not found"


def test_a_long_excerpt_is_cut_and_ends_with_an_ellipsis():
    assert excerpt("0123456789", 9) == "012345678…"


def test_white_space_in_an_excerpt_becomes_a_single_space():
    assert excerpt(" a\r\n\t b\u2028c ") == "a b c"


def test_an_excerpt_is_redacted_before_it_is_cut():
    assert excerpt(f"client_secret={SECRET}", 15) == "client_secret=[…"


def test_a_secret_that_extends_beyond_the_text_that_is_examined_is_hidden():
    assert SECRET[:3] not in excerpt("Bearer " + SECRET * 500, 10)
