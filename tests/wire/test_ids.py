from enum import Enum
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.quick import each

from bentley_sync_async import InvalidArgumentError
from bentley_sync_async.wire.ids import check_id, path_segment, query_string

CONNECTION = "MWplZe9Uf0iR1IDMqyOMLqBN0_wHEVBGg_CzJmXdmE4"


@each("value", [CONNECTION, "de626d0d-1647-48d7-8c11-f1f74f2d4523", "a", "a.b", "x" * 256, "ü", "a/b"])
def test_an_id_of_any_form_is_taken_as_it_is(value):
    assert check_id(value, "connection_id") == value


@each(
    ("value", "problem"),
    [
        ("", "is empty"),
        ("   ", "is empty"),
        (".", "cannot be an id"),
        ("..", "cannot be an id"),
        ("...", "cannot be an id"),
        ("a b", "cannot be an id"),
        (" a", "cannot be an id"),
        ("a\n", "cannot be an id"),
        ("a\r\nHost: evil", "cannot be an id"),
        ("a\x00", "cannot be an id"),
        ("a\x7f", "cannot be an id"),
        ("a\u200b", "cannot be an id"),
        ("a\u00a0b", "cannot be an id"),
        ("\ud800", "cannot be an id"),
        ("x" * 257, "has 257 characters"),
        ("https://api.bentley.com/imodels/storageconnections/a", "not a URL"),
        (None, "must be a string, not NoneType"),
        (5, "must be a string, not int"),
        (b"a", "must be a string, not bytes"),
    ],
)
def test_what_cannot_be_an_id_is_refused(value, problem):
    with pytest.raises(InvalidArgumentError, match=problem):
        check_id(value, "connection_id")


class Known(str, Enum):  # noqa: UP042 - a StrEnum would show its text
    OURS = CONNECTION


def test_an_id_from_an_enum_of_texts_is_the_text():
    assert f"{path_segment(Known.OURS, 'connection_id')}" == CONNECTION


def test_a_refused_id_is_named():
    with pytest.raises(InvalidArgumentError, match=r"^run_id is empty"):
        check_id("", "run_id")


@each(
    ("value", "segment"),
    [
        (CONNECTION, CONNECTION),
        ("a/b", "a%2Fb"),
        ("../run", "..%2Frun"),
        ("a?b=c", "a%3Fb%3Dc"),
        ("a#b", "a%23b"),
        ("a%2Fb", "a%252Fb"),
        ("a\\b", "a%5Cb"),
        ("a;b", "a%3Bb"),
        ("@evil", "%40evil"),
        ("ü", "%C3%BC"),
    ],
)
def test_an_id_is_percent_encoded(value, segment):
    assert path_segment(value, "connection_id") == segment


printable = st.text(st.characters(exclude_categories=("Z", "C")), min_size=1, max_size=30)


@given(printable.filter(lambda text: text.strip(".") and "://" not in text))
def test_no_id_changes_the_path_or_the_host(value):
    segment = path_segment(value, "connection_id")
    parts = urlsplit(f"https://api.bentley.com/synchronization/{segment}/run?$top=1")
    assert (parts.netloc, parts.query, parts.fragment) == ("api.bentley.com", "$top=1", "")
    assert parts.path.split("/") == ["", "synchronization", segment, "run"]
    assert unquote(segment) == value


@given(st.text())
def test_any_text_is_an_id_as_it_is_or_is_refused(value):
    try:
        assert check_id(value, "connection_id") == value
    except InvalidArgumentError:
        assert not value.strip(".") or "://" in value or not value.isprintable() or " " in value


def test_a_query_has_the_parameters_that_are_not_none():
    assert query_string({"imodelId": "i", "$top": 5, "$skip": None}) == "?imodelId=i&$top=5"


@each("parameters", [{}, {"$top": None}])
def test_no_parameters_make_no_query(parameters):
    assert query_string(parameters) == ""


@given(printable)
def test_no_value_adds_a_parameter(value):
    query = query_string({"redirectUrl": value, "$top": 1})
    assert parse_qs(query[1:]) == {"redirectUrl": [value], "$top": ["1"]}
