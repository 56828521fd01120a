"""What all tests share: no stray event loop, and figures that tests measure are printed at the end."""

import asyncio
import os

import pytest
from loops.kinds import eager

if os.environ.get("EAGER_TASKS"):  # a row of `make matrix`
    asyncio.new_event_loop = asyncio.events.new_event_loop = eager


def pytest_sessionstart() -> None:
    # pytest-asyncio asks for the current event loop before its first test. Without a word from anyone asyncio makes one
    # for that question, nobody closes it, and the test during which it is collected fails.
    asyncio.set_event_loop(None)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    reports = [report for outcome in terminalreporter.stats.values() for report in outcome]
    figures = [
        (report.nodeid, name, value)
        for report in reports
        if getattr(report, "when", "") == "call"
        for name, value in report.user_properties
    ]
    for nodeid, name, value in figures:
        terminalreporter.write_line(f"{nodeid.rpartition('::')[2]}: {name}: {value}")
