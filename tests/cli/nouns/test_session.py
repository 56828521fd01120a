"""Questions, pages and traces of a command."""

import io
import sys

import pytest

from bentley_sync_async import NotFoundError, RateLimitedError
from bentley_sync_async.cli.verbs import session as module
from bentley_sync_async.cli.verbs.session import DeclinedError, Session
from bentley_sync_async.cli.verbs.tracing import TraceHook
from bentley_sync_async.transport import RequestRecord, RetryRecord, ThrottleRecord, TokenRecord

THROTTLED = RateLimitedError(status=429, code="RateLimitExceeded", method="GET", url="https://api.example/x")
MISSING = NotFoundError(status=404, method="GET", url="https://api.example/x")


def a_session(**options):
    return Session(client=None, lookup=None, **options)


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.mark.parametrize("answer", ["y\n", "YES\n", " yes "])
def test_yes_goes_on(answer):
    asked = []
    a_session(ask=lambda question: asked.append(question) or answer).confirm("Delete it")
    assert asked == ["Delete it? [y/N] "]


@pytest.mark.parametrize("answer", ["", "\n", "n\n", "yess\n"])
def test_anything_else_does_nothing(answer):
    with pytest.raises(DeclinedError, match=r"^Nothing was done\.$"):
        a_session(ask=lambda _: answer).confirm("Delete it")


def test_yes_beforehand_asks_nobody():
    a_session(ask=None, yes=True).confirm("Delete it")


def test_a_question_needs_a_terminal_for_the_question_and_the_answer(monkeypatch):
    monkeypatch.setattr(sys, "stdin", Terminal("y\n"))
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    with pytest.raises(DeclinedError, match="--yes"):
        a_session().confirm("Delete it")
    monkeypatch.setattr(sys, "stderr", Terminal())
    a_session().confirm("Delete it")
    assert sys.stderr.getvalue() == "Delete it? [y/N] "


def test_a_page_is_opened_only_if_asked_for_and_only_on_the_web(monkeypatch):
    opened = []
    monkeypatch.setattr(module.webbrowser, "open", opened.append)
    for url in ("https://consent.example/a", "file:///etc/passwd", None):
        a_session(ask=None, web=True).open_page(url)
        a_session(ask=None).open_page(url)
    assert opened == ["https://consent.example/a"]


REQUEST = RequestRecord(
    method="GET", url="https://api.example/x", status=200, error=None, duration=0.25, size=1500, resends=0
)
RECORDS = [
    REQUEST,
    RequestRecord(
        method="GET", url="https://api.example/x", status=None, error=MISSING, duration=1.0, size=0, resends=0
    ),
    RetryRecord(method="GET", url="https://api.example/x", cause=MISSING, attempt=1, delay=2.4),
    ThrottleRecord(cause=THROTTLED, delay=17.0),
    TokenRecord(duration=0.1, error=None),
]
WAITS = ["NotFoundError 404; attempt 2 in 2 s", "RateLimitedError 429 RateLimitExceeded; requests go on in 17 s"]


def traced(level, monkeypatch, stderr):
    monkeypatch.setattr(sys, "stderr", stderr)
    hook = TraceHook(level)
    for record in RECORDS:
        if hook.wants(type(record)):
            hook(record)
    return stderr.getvalue().splitlines()


def test_who_looks_is_told_why_a_command_waits_and_a_pipe_is_not(monkeypatch):
    assert traced("", monkeypatch, Terminal()) == WAITS
    assert traced("", monkeypatch, io.StringIO()) == []


def test_verbose_has_a_line_for_each_request(monkeypatch):
    assert traced("verbose", monkeypatch, io.StringIO()) == [
        "GET https://api.example/x: 200, 1,500 bytes in 0.250 s",
        "GET https://api.example/x: NotFoundError 404, 0 bytes in 1.000 s",
        *WAITS,
    ]


def test_debug_has_all_records(monkeypatch):
    shown = traced("debug", monkeypatch, io.StringIO())
    assert [line.partition("(")[0] for line in shown] == [type(record).__name__ for record in RECORDS]
