"""The help of every verb: two examples that work, on any screen, at once."""

import os
import shlex
import subprocess
import sys

import pytest
import typer
from support.served import COMMAND, environment, settings
from typer.testing import CliRunner

from bentley_sync_async.cli.app import app
from bentley_sync_async.cli.verbs.noun import Noun
from bentley_sync_async.cli.verbs.registry import NOUNS, all_verbs, noun

VERBS = list(all_verbs())
ROOT = typer.main.get_command(app)


def help_of(*words):
    shown = CliRunner().invoke(app, [*words, "--help"], env={"COLUMNS": "80"}, prog_name="bentley-sync")
    assert shown.exit_code == 0
    return shown.stdout


def parsed(arguments):
    """Parse a command line as if it were run, as far as the verb."""
    context = ROOT.make_context("bentley-sync", list(arguments))
    while isinstance(context.command, typer.core.TyperGroup):
        rest = [*getattr(context, "_protected_args", ()), *context.args]
        name, command, rest = context.command.resolve_command(context, rest)
        context = command.make_context(name, rest, parent=context)
    return context.params


@pytest.mark.parametrize("verb", VERBS, ids=lambda verb: verb.path)
def test_the_help_of_a_verb_has_two_examples_that_it_accepts(verb):
    shown = help_of(*verb.path.split())
    assert len(set(verb.examples)) >= 2
    for example in verb.examples:
        line = f"bentley-sync {verb.path} {example}".rstrip()
        assert f"\n    {line}\n" in shown
        assert len(f"    {line}") <= 80
        parsed(shlex.split(line.partition(" < ")[0])[1:])


@pytest.mark.parametrize("verb", VERBS, ids=lambda verb: verb.path)
def test_the_help_of_a_verb_says_what_it_does_in_a_sentence_that_lists_can_show(verb):
    first = (verb.work.__doc__ or "").partition("\n")[0]
    assert first.endswith(".")
    assert first[0].isupper()
    assert len(first) <= 100


def test_a_verb_without_two_examples_cannot_be_declared():
    with pytest.raises(ValueError, match="two examples"):
        Noun("thing", "Things.").verb("show", examples=["one"])(lambda at: None)


def test_the_help_lists_commands_and_nouns():
    shown = help_of()
    assert all(f"\n  {name} " in shown for name in NOUNS)
    assert "\n  bulk " in shown
    assert "--install-completion" in shown
    assert help_of("connection").count("\n  list ") == 1
    assert CliRunner().invoke(app, ["connection", "-h"]).stdout.count("Usage") == 1


def test_a_noun_is_a_group_with_its_own_name():
    assert [noun(name).path for name in NOUNS] == list(NOUNS)


def cpu_seconds(*arguments):
    """The processor time of a process in seconds, the least of some: others use the machine as well."""
    best = float("inf")
    for _ in range(3):
        before = os.times()
        subprocess.run([sys.executable, *arguments], env=environment(settings()), stdout=subprocess.DEVNULL, check=True)
        after = os.times()
        best = min(best, after.children_user + after.children_system - before.children_user - before.children_system)
    return best


@pytest.mark.parametrize("words", [[], ["connection", "list"]], ids=["root", "verb"])
def test_the_help_takes_less_than_one_and_a_half_times_the_import_of_typer_and_rich(words):
    ratios = []
    for _ in range(5):
        ratios.append(cpu_seconds(*COMMAND[1:], *words, "--help") / cpu_seconds("-c", "import typer, rich"))
        if ratios[-1] < 1.5:
            return
    pytest.fail(f"{ratios}")
