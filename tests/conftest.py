"""What all tests share: figures that tests measure are printed at the end, also when they ran in parallel."""

import pytest


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
