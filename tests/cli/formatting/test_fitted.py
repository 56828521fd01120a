import io

import pytest

from bentley_sync_async.cli.formatting.fitted import fitted

TEXT = "There is no keyring here: the tokens are kept in a file in /root/.local/state/bentley-sync, so be careful."


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture(autouse=True)
def columns(monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    return 80


def test_a_pipe_gets_the_text_as_it_is():
    assert fitted(TEXT, io.StringIO()) == TEXT


def test_a_terminal_gets_lines_that_end_between_words():
    assert fitted(TEXT, Terminal()).split("\n") == [
        "There is no keyring here: the tokens are kept in a file in",
        "/root/.local/state/bentley-sync, so be careful.",
    ]


def test_a_row_goes_on_below_its_last_column():
    row = "  kept in     a file in /root/.local/state/bentley-sync/more, readable by its owner only"
    assert fitted(row, Terminal()).split("\n") == [
        "  kept in     a file in /root/.local/state/bentley-sync/more, readable by its",
        "              owner only",
    ]


def test_a_row_whose_last_column_has_no_room_goes_on_at_the_left():
    row = f"{'sign_in':<60}  Jane Doe (jane.doe@example.com) of somewhere"
    assert fitted(row, Terminal()).split("\n") == [
        f"{'sign_in':<60}  Jane Doe",
        "    (jane.doe@example.com) of somewhere",
    ]


@pytest.mark.parametrize("text", ["", "short", "a\n\n  b", "x" * 200, f"Visit:\n  https://{'x' * 200}"])
def test_what_fits_or_cannot_be_broken_stays(text):
    assert fitted(text, Terminal()) == text
