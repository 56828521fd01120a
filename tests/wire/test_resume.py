"""Plain values as one line of printable text, and back."""

import zlib
from base64 import urlsafe_b64encode

import msgspec
import pytest
from support.quick import each

from bentley_sync_async.errors import ResumeTokenError
from bentley_sync_async.wire.resume import checked, pack, unpack

VALUES = [{"a": [1, 2.5, None, True, b"\x00" * 16]}, "text", "ü"]
MEBIBYTE = 1024 * 1024


def token(packed, *, checksum=None):
    """A token of bytes that `pack` would not make."""
    checksum = zlib.crc32(packed).to_bytes(4, "big") if checksum is None else checksum
    return "bsr1." + urlsafe_b64encode(checksum + packed).decode().rstrip("=")


def compressed(values):
    return zlib.compress(msgspec.msgpack.encode(values))


def refusal(text):
    with pytest.raises(ResumeTokenError) as caught:
        unpack(text)
    return str(caught.value)


@each("values", [VALUES, "", "x", "xy", "xyz", "wxyz"])
def test_what_was_packed_comes_back(values):
    assert unpack(pack(values)) == values


def test_a_token_may_have_white_space_around_it():
    assert unpack(f"  {pack(VALUES)}\n") == VALUES


def test_a_token_is_one_word_for_urls_and_shells():
    alphabet = set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")
    assert {character for number in range(500) for character in pack(number).removeprefix("bsr1.")} <= alphabet


def test_a_token_of_the_first_version_stays_readable():
    assert unpack("bsr1.ck5TPnjam7w0OTHt8Er2FUWpZZmp5akpAEpNB9k") == ["café", 7, "reviewed"]


def test_the_checksum_is_of_the_compressed_values():
    assert unpack(token(compressed(VALUES))) == VALUES


@each(
    "text",
    [
        "bsr1.",
        "bsr1.A",
        "bsr1.AAAA",
        token(compressed(VALUES), checksum=b"\x00\x00\x00\x00"),
        token(compressed(VALUES), checksum=b"\x00\x00\x00"),
        token(b"not compressed"),
        token(zlib.compress(b"\xc1")),
        token(compressed(VALUES)[:-8]),
        token(zlib.compress(b"\x91" * 100_000)),
        "bsr1.ü",
    ],
)
def test_what_is_no_whole_token_is_damaged(text):
    assert "damaged" in refusal(text)


def test_a_token_may_stand_for_four_mebibytes_and_no_more():
    header = len(msgspec.msgpack.encode("x" * MEBIBYTE)) - MEBIBYTE
    largest = "x" * (4 * MEBIBYTE - header)
    assert unpack(pack(largest)) == largest
    assert "damaged" in refusal(token(compressed(largest + "x")))


def test_what_is_more_than_that_makes_no_token_and_the_error_says_so():
    with pytest.raises(ResumeTokenError, match=r"too large .* 4,194,30\d bytes, and the limit is 4,194,304"):
        pack("x" * 4 * MEBIBYTE)


@each("text", ["bsr4.AAAA", "bsr10.AAAA", " bsr4.x", "bsr7"])
def test_a_token_of_a_later_version_asks_for_an_update(text):
    assert "later version of this package: update it" in refusal(text)


@each(
    "text",
    [
        "",
        "bsr",
        "bsr1",
        "bsr.AAAA",
        "bsr0.AAAA",
        "bsr01.AAAA",
        "bsr02.AAAA",
        "bsr².AAAA",
        "bsr2x.AAAA",
        "bsrx.AAAA",
        "xsr2.AAAA",
        "xbsr1.AAAA",
        "2.AAAA",
        None,
        5,
        b"bsr1.",
    ],
)
def test_what_does_not_begin_like_a_token_is_none(text):
    assert "not a resume token" in refusal(text)


def test_values_are_taken_in_the_form_that_they_must_have():
    assert checked(["a", None, [1]], tuple[str, int | None, tuple[int, ...]]) == ("a", None, (1,))


@each("values", [None, [], ["a"], [1, 2], ["a", "b"], {"a": 1}])
def test_values_of_another_form_are_refused(values):
    with pytest.raises(ResumeTokenError, match="does not have the values of its version"):
        checked(values, tuple[str, int])
