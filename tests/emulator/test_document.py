"""The programs, scenarios and tables of docs/emulator.md."""

import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import attrs
import pytest

from bentley_sync_async.emulator import FaultAction, FaultRule, FileRule, RunRule, Settings, parse_scenario

TEXT = (Path(__file__).parents[2] / "docs" / "emulator.md").read_text(encoding="utf-8")


def blocks(language):
    return re.findall(rf"^```{language}\n(.*?)^```", TEXT, re.DOTALL | re.MULTILINE)


SCRIPTS = dict(
    zip(
        blocks("python"),
        [
            "Completed Success\n1 request, 1 run\n",
            "PartialSuccess [None, 'ZeroByte']\nTrue\n",
            "Completed\n",
            "Joe Bloggs is signed in\n",
            " after 1 fault, and 1 run was created\n",
        ],
        strict=True,
    )
)


@pytest.mark.parametrize("script", SCRIPTS)
def test_every_script_in_the_document_runs(script, capsys):
    # In another thread: here asyncio.run would replace the loop of pytest-asyncio without closing it.
    with ThreadPoolExecutor(1) as pool:
        pool.submit(exec, compile(script, "emulator.md", "exec"), {"__name__": "__main__"}).result()
    assert capsys.readouterr().out.endswith(SCRIPTS[script])


def test_every_scenario_in_the_document_is_valid():
    [text] = blocks("toml")
    scenario = parse_scenario(text)
    assert (len(scenario.run_rules), len(scenario.file_rules), len(scenario.fault_rules)) == (1, 3, 1)


@pytest.mark.parametrize("kind", [Settings, RunRule, FileRule, FaultRule])
def test_every_key_is_in_the_document(kind):
    keys = {attribute.name for attribute in attrs.fields(kind) if attribute.init}
    assert keys <= set(re.findall(r"`(\w+)`", TEXT))


def test_every_action_is_in_the_document():
    assert set(FaultAction) <= set(re.findall(r"`(\w+)`", TEXT))
