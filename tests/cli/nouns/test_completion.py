"""Completion: names from the service, kept for two minutes; never an error, never late."""

import os
import stat
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from support.processes.threads import in_a_thread
from support.served import environment

from bentley_sync_async.cli import name_cache
from bentley_sync_async.cli.name_cache import NameCache
from bentley_sync_async.cli.verbs import completion
from bentley_sync_async.cli.verbs.completion import complete_connections, complete_imodels, complete_itwins, quoted

SCRIPT = Path(sys.executable).with_name("bentley-sync")


@pytest.fixture
def shell(place, tmp_path, monkeypatch):
    """The variables of the emulator, in this process, with an empty cache."""
    variables = place.service.variables | place.settings | {"XDG_CACHE_HOME": str(tmp_path)}
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(completion, "_PATIENCE", 30.0)  # the machine may be slow
    return place


def context(path="bentley-sync connection show", **given):
    return SimpleNamespace(command_path=path, params=given)


def cached(folder):
    return list(Path(folder).rglob("*.tsv"))


async def test_names_of_connections_imodels_and_itwins_are_completed(shell):
    assert await in_a_thread(complete_connections, context(), "b") == ["Bridge"]
    assert await in_a_thread(complete_imodels, context(), "Sta") == ["Station"]
    assert await in_a_thread(complete_itwins, context(), "harb") == ["Harbour"]
    assert await in_a_thread(complete_connections, context("bentley-sync manifest show"), "") == []


async def test_a_name_that_two_have_is_completed_by_their_ids(shell):
    twins = sorted(shell.service.emulator.add_connection(shell.ids["imodel"], display_name="Twin") for _ in range(2))
    assert "Twin" not in await in_a_thread(complete_connections, context(), "")
    assert await in_a_thread(complete_connections, context(), twins[0][:-1]) == [
        one for one in twins if one.startswith(twins[0][:-1])
    ]


async def test_names_are_asked_for_once_and_kept_for_the_owner_only(shell, tmp_path):
    await in_a_thread(complete_imodels, context(), "S")
    before = len(shell.service.emulator.requests)
    assert await in_a_thread(complete_imodels, context(), "S") == ["Station"]
    assert len(shell.service.emulator.requests) == before
    [file] = cached(tmp_path)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    assert file.read_text() == f"{shell.ids['imodel']}\tStation\n"


async def test_names_of_another_place_or_service_are_asked_for_anew(shell, monkeypatch):
    await in_a_thread(complete_imodels, context(), "S")
    other = shell.service.emulator.add_itwin("Elsewhere")
    assert await in_a_thread(complete_imodels, context(itwin=other), "S") == []
    monkeypatch.setenv("BENTLEY_SYNC_CLIENT_ID", "somebody-else")
    assert await in_a_thread(complete_imodels, context(), "S") == []


async def test_nothing_is_completed_without_credentials_place_or_service(shell, monkeypatch, capsys):
    monkeypatch.setenv("BENTLEY_SYNC_BASE_URL", "http://127.0.0.1:9")
    assert await in_a_thread(complete_itwins, context(), "") == []
    monkeypatch.delenv("BENTLEY_SYNC_CLIENT_SECRET")
    assert await in_a_thread(complete_itwins, context(), "") == []
    monkeypatch.setenv("BENTLEY_SYNC_IMODEL", "")
    assert await in_a_thread(complete_connections, context(), "") == []
    assert capsys.readouterr() == ("", "")


async def test_names_that_are_too_old_are_offered_only_if_the_service_is_late(shell, tmp_path, monkeypatch):
    await in_a_thread(complete_imodels, context(), "S")
    [file] = cached(tmp_path)
    file.write_text(f"{shell.ids['imodel']}\tStale\n")
    os.utime(file, (1, 1))
    monkeypatch.setattr(completion, "_PATIENCE", 0.0)
    assert await in_a_thread(complete_imodels, context(), "") == ["Stale"]
    monkeypatch.setattr(completion, "_PATIENCE", 30.0)
    assert await in_a_thread(complete_imodels, context(), "") == ["Station"]


async def test_the_kind_of_a_connection_decides_which_names_are_completed(shell):
    assert await in_a_thread(complete_connections, context("bentley-sync runs show", kind="manifest"), "") == []
    assert "Tower" in await in_a_thread(complete_connections, context("bentley-sync runs show", kind="storage"), "")


def test_names_that_nobody_asked_for_in_a_day_are_deleted(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    for place in ("old", "new"):
        NameCache("origin", "kind", place).store([("id", place)])
    [old] = [path for path in cached(tmp_path) if path.read_text() == "id\told\n"]
    os.utime(old, (1, 1))
    NameCache("origin", "kind", "newest").store([("id", "newest")])
    assert sorted(path.read_text() for path in cached(tmp_path)) == ["id\tnew\n", "id\tnewest\n"]


def test_a_cache_that_cannot_be_used_is_none(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    (tmp_path / "file").write_text("")
    cache = NameCache("origin", "kind", "place")
    cache.store([("id", "name")])
    assert (cache.fresh(), cache.any_age()) == (None, [])


def test_a_cache_keeps_no_name_that_would_break_its_lines(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(name_cache, "_MOST", 3)
    cache = NameCache("origin", "kind", "place")
    cache.store([("a", "x\ty"), ("b", "fine name"), ("c", ""), ("d", "too many")])
    assert cache.fresh() == [("b", "fine name"), ("c", "")]


@pytest.mark.parametrize(
    ("shell", "name", "word"),
    [
        ("bash", "Old quay (2)", r"Old\ quay\ \(2\)"),
        ("bash", "a.dgn", "a.dgn"),
        ("zsh", "Old quay", "Old quay"),
        ("fish", "Old quay", "Old quay"),
        ("powershell", "It's old", "'It''s old'"),
        ("pwsh", "Old quay", "'Old quay'"),
    ],
)
def test_a_name_with_blanks_is_one_word_of_the_shell(shell, name, word, monkeypatch):
    monkeypatch.setenv("_BENTLEY_SYNC_COMPLETE", f"complete_{shell}")
    assert quoted(name) == word


def completed(place, shell, words, **variables):
    env = environment(place.service.variables | place.settings) | {
        "_BENTLEY_SYNC_COMPLETE": f"complete_{shell}",
        "COMP_WORDS": words,
        "COMP_CWORD": str(len(words.split()) - 1),
        "_TYPER_COMPLETE_ARGS": words,
        "_TYPER_COMPLETE_WORD_TO_COMPLETE": words.split()[-1],
        "_TYPER_COMPLETE_FISH_ACTION": "get-args",
        **variables,
    }
    ended = subprocess.run([SCRIPT], env=env, capture_output=True, text=True, timeout=60, check=False)
    assert ended.stderr == ""
    return ended.stdout


@pytest.mark.parametrize("name", ["bash", "zsh", "fish", "pwsh"])
async def test_every_shell_completes_names(shell, name, tmp_path):
    await in_a_thread(complete_connections, context(), "")  # within a second another process may not have them
    assert "Bridge" in completed(shell, name, "bentley-sync connection show B", XDG_CACHE_HOME=str(tmp_path))


def test_nouns_and_verbs_are_completed(place):
    assert completed(place, "bash", "bentley-sync conn").split() == ["connection"]
    assert completed(place, "bash", "bentley-sync connection file re").split() == ["remove"]
    assert completed(place, "bash", "bentley-sync runs show --ki").split() == ["--kind"]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish", "powershell"])
def test_every_shell_can_be_shown_its_completion(place, shell):
    env = environment(place.service.variables) | {"_BENTLEY_SYNC_COMPLETE": f"source_{shell}"}
    shown = subprocess.run([SCRIPT], env=env, capture_output=True, text=True, timeout=60, check=True)
    assert "bentley-sync" in shown.stdout
