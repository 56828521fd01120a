import re
from pathlib import Path

import pytest
from cli.nouns.stories import STORIES, matches
from support.processes.shell import a_place

from bentley_sync_async import resources
from bentley_sync_async.cli.verbs.registry import NOUNS, all_verbs, noun
from bentley_sync_async.emulator import Emulator

RESOURCES = Path(resources.__file__).parent
PRODUCTS = {"synchronization", "storage", "imodels", "itwins", "webhooks"}


@pytest.mark.parametrize("name", STORIES)
def test_every_verb_of_a_noun_works_in_a_process_and_sends_what_it_says(name, tmp_path, forks):
    (tmp_path / "new.dgn").write_bytes(b"dgn")
    sent = set()
    with a_place(tmp_path, forks) as shell:
        for number, step in enumerate(STORIES[name]):
            ended = shell(step.line, given=step.given, code=step.code, whole=number == 0)
            assert matches(step.out, ended.out, shell.ids), f"{step.line}\n{ended.out}\n{ended.err}"
            assert matches(step.err or "^$", ended.err, shell.ids), f"{step.line}\n{ended.err}"
            sent.update(ended.operations)
    declared = {operation for verb in noun(name).verbs for operation in verb.operations}
    assert sorted(declared - sent) == []


def test_every_noun_has_a_story_and_every_verb_a_step():
    assert set(STORIES) == set(NOUNS)
    lines = [step.line for story in STORIES.values() for step in story]
    assert [verb.path for verb in all_verbs() if not any(line.startswith(verb.path) for line in lines)] == []


def operations_of_the_client():
    """The operations that the docstrings of the resources name, as far as the emulator has them."""
    emulated = {operation.name for operation in Emulator()._operations if operation.api in PRODUCTS}
    sources = "".join(path.read_text("utf-8") for path in RESOURCES.rglob("*.py"))
    named = set(re.findall(r"`([a-z]+(?:-[a-z]+)+)`", sources))
    of_either_kind = {name for name in emulated if "-connection" in name or name.endswith("-configuration")}
    return emulated & (named | of_either_kind)


def test_every_operation_of_the_client_has_a_command():
    declared = {operation for verb in all_verbs() for operation in verb.operations}
    assert declared == operations_of_the_client()
