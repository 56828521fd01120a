import io
import sys

import pytest
from support.quick import each

from bentley_sync_async import InvalidArgumentError
from bentley_sync_async.cli.id_lists import parse_ids, read_ids


def ids(text, column=None, encoding="utf-8"):
    return parse_ids(text.encode(encoding), name="the list", column=column).ids


def refusal(data, column=None):
    with pytest.raises(InvalidArgumentError) as refused:
        parse_ids(data, name="the list", column=column)
    return str(refused.value)


@each(
    "text",
    [
        "one\ntwo\n",
        "one\r\ntwo",
        "one\rtwo\r",
        "\n  one  \n\n\ttwo\n\n",
        "# nightly\none\n  # and, above all; this\ntwo\n",
        "one # Station, old\ntwo\t#\n",
        "one,\ntwo,\n",
        '"one"\n"two"\n',
        "one\none\ntwo\none",
    ],
)
def test_an_id_stands_on_a_line(text):
    assert ids(text) == ("one", "two")


@each(
    "text",
    [
        "id\none\ntwo\n",
        "name,id\nStation,one\nBridge,two\n",
        "name;connectionId\nStation;one\nBridge;two\n",
        "CONNECTION_ID\tname\none\tStation\ntwo\tBridge\n",
        "Name,Connection ID\r\nStation,one\r\nBridge,two\r\n",
        "id,connectionId\n1,one\n2,two\n",
        '"name","id"\n"Station, old"," one "\n"Bridge\ndeck","two"\n',
        "# of tonight\nname,id\nStation,one\n# not now,three\nBridge,two\n",
        "id,name\none\ntwo,,,\n",
    ],
)
def test_an_id_stands_in_its_column(text):
    assert ids(text) == ("one", "two")


@each("column", ["Storage Connection", "storage connection ", "storage_connection"])
def test_the_column_of_the_ids_can_be_named(column):
    assert ids("id,Storage Connection\n1,one\n2,two", column=column) == ("one", "two")


@each("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_every_encoding_that_spreadsheets_write_is_read(encoding):
    assert ids("name;id\nBrücke;one\n", encoding=encoding) == ("one",)


def test_ids_keep_their_case_and_whatever_else_they_are_made_of():
    assert ids("-_aB9\nnot an id\n") == ("-_aB9", "not an id")


def test_repeated_ids_are_counted():
    assert parse_ids(b"one\ntwo\none\none", name="the list").repeated == 2


def test_rows_that_say_something_but_no_id_are_counted():
    assert parse_ids(b"name,id\nStation,\n,\nBridge,two\nTunnel", name="the list").rows_without_id == 2


@each("data", [b"", b"\n \n", b"# nothing\n", b"\xef\xbb\xbf", b"id\n", b"id,name\n,Station\n"])
def test_a_file_without_an_id_is_refused(data):
    assert refusal(data).startswith("the list contains no id")


@each("data", [b"PK\x03\x04\x14\x00", b"\x89PNG\r\n\x1a\n", "one\n".encode("utf-16-le"), b"\xff\xfeo\x00n"])
def test_what_is_no_text_is_refused(data):
    assert "the list is not text, in line " in refusal(data)


def test_a_byte_that_is_no_text_is_refused_with_the_number_of_its_line():
    assert "the list is not text, in line 3:" in refusal(b"one\r\ntwo\rthr\x01ee\nfour")


@each("data", [b"one\n#\n" + b"x" * 257, b"id,name\n#\n" + b"x" * 257 + b",Station", b"id,name\none,\n" + b"x" * 10**5])
def test_a_value_longer_than_any_id_is_refused_with_the_number_of_its_line(data):
    length = 10**5 if len(data) > 10**5 else 257
    assert refusal(data).startswith(f"Line 3 of the list has {length:,} characters in place of an id, and no id has")


def test_a_huge_line_is_refused_with_its_number():
    assert refusal(b"x" * 10**6).startswith("the list is not a readable table, in line 1: field larger than")


def test_a_file_larger_than_any_list_is_refused_without_reading_it_to_its_end():
    with pytest.raises(InvalidArgumentError, match=r"^/dev/zero is larger than 16,777,216 bytes, as no list of ids is"):
        read_ids("/dev/zero")


@each("text", ["\ufeffone\n\ufefftwo\n", "\ufeffid\none\n\ufefftwo", "\ufeff# of tonight\none\ntwo"])
def test_the_mark_of_utf_8_is_no_part_of_an_id_also_where_lists_were_joined(text):
    assert ids(text) == ("one", "two")


def test_a_table_without_a_column_of_ids_says_which_it_has():
    said = refusal(b"Name,Number\nStation,1\n")
    assert "but 'Name', 'Number'." in said
    assert "--column" in said


@each("data", [b"id,name\none,Station", b"one\ntwo"])
def test_a_named_column_that_is_not_there_is_refused(data):
    assert "no column 'number'" in refusal(data, column="number")


def test_several_values_on_a_line_of_a_list_are_refused_with_the_number_of_the_line():
    assert refusal(b"# tonight\none\n\ntwo,three\n").startswith("Line 4 of the list holds several values.")


def test_a_table_that_cannot_be_read_is_refused():
    assert "is not a readable table, in line 3: field larger" in refusal(b'id,name\n\none,"' + b"x" * 200_000)


def test_a_file_is_read(tmp_path):
    file = tmp_path / "ids.txt"
    file.write_text("one\n")
    assert read_ids(str(file)).ids == ("one",)


def test_standard_input_is_read(monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"one\n")))
    assert read_ids("-").ids == ("one",)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(InvalidArgumentError, match=r"none\.txt cannot be read: No such file or directory\."):
        read_ids(str(tmp_path / "none.txt"))


def test_a_folder_is_no_file(tmp_path):
    with pytest.raises(InvalidArgumentError, match=r"cannot be read: Is a directory\."):
        read_ids(str(tmp_path))


def test_a_name_that_no_file_has_is_refused():
    with pytest.raises(InvalidArgumentError, match="cannot be read: embedded null byte"):
        read_ids("a\0b")
