"""What all tests share: no stray event loop, and figures that tests measure are printed at the end."""

import asyncio
import gc
import os

import pytest
from hypothesis import HealthCheck, settings
from loops.kinds import eager
from support.quick import length

if os.environ.get("EAGER_TASKS"):  # a row of `make matrix`
    asyncio.new_event_loop = asyncio.events.new_event_loop = eager

# That a machine is slow or busy is no failure.
settings.register_profile(
    "suite", max_examples=length(30, 200), deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("suite")


def pytest_sessionstart() -> None:
    # pytest-asyncio asks for the current event loop before its first test. Without a word from anyone asyncio makes one
    # for that question, nobody closes it, and the test during which it is collected fails.
    asyncio.set_event_loop(None)


def pytest_collection_finish() -> None:
    # What thousands of tests are made of need not be searched for garbage again and again.
    gc.collect()
    gc.freeze()


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
