"""Every program and every command in the documents is run, as it stands, against an emulator."""

import asyncio
import re
import subprocess
import sys
from pathlib import Path

import anyio
import pytest
from support.bulk import in_place
from support.people.homes import BROWSER
from support.served import environment, served, service_variables

from bentley_sync_async.cli.exit_codes import ExitCode
from bentley_sync_async.emulator import Emulator

ROOT = Path(__file__).parents[2]
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("**/*.md"))]
SHELLS = {"bash", "sh", "console", "shell"}
ILLUSTRATIONS = {"text", "toml"}


def blocks():
    for document in DOCUMENTS:
        text = document.read_text(encoding="utf-8")
        for found in re.finditer(r"^ *```(\S*)\n(.*?)^ *```$", text, re.DOTALL | re.MULTILINE):
            line = text.count("\n", 0, found.start()) + 1
            yield f"{document.relative_to(ROOT)}:{line}", found[1], found[2]


BLOCKS = list(blocks())
COMMAND = re.compile(r"^(?!#).*\bbentley-sync ", re.MULTILINE)
SETTINGS = {where.partition(":")[0]: text for where, language, text in BLOCKS if language == "toml"}
COMMANDS = {where: text for where, language, text in BLOCKS if language in SHELLS and COMMAND.search(text)}
PYTHON = {where: text for where, language, text in BLOCKS if language == "python"}
TEST_MODULES = {where: text for where, text in PYTHON.items() if "\nasync def test_" in text}
PROGRAMS = {where: text for where, text in PYTHON.items() if where not in TEST_MODULES}
# What sets logging or an SDK up for its whole process, chooses its event loop, or waits for a person, has a process of
# its own.
ALONE = re.compile(r"\b(?:logging|opentelemetry|Runner|sign_in)\b")
PROCESSES = {where: [sys.executable, "-c", text] for where, text in PROGRAMS.items() if ALONE.search(text)}
PROCESSES |= {where: ["bash", "-euo", "pipefail", "-c", text] for where, text in COMMANDS.items()}
OPENED = re.compile(r"^A browser opens.*\n  http://\S+\n", re.MULTILINE)
END = "\nasyncio.run(main())\n"
MANIFEST = next(text for where, language, text in BLOCKS if language == "toml" and "[model]" in text)


def variables_of(emulator, done, folder):
    """The variables that the pages use, beside those that say where the service is; files are in the folder."""
    imodel_id = emulator.new_imodel_id()
    emulator.add_itwin("Station West")
    for name, text in {"publish.toml": MANIFEST, "cad/Station.dgn": "steel", "revit/Roof.rvt": "glass"}.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    return {
        "CONNECTION_ID": emulator.add_connection(imodel_id),
        "CONNECTION_IDS": " ".join(emulator.add_connection() for _ in range(2)),
        "TOKEN_FILE": str(folder / "token"),
        "IMODEL_ID": imodel_id,
        "STORAGE_FILE_ID": emulator.new_storage_file_id("Station.dgn", imodel_id=imodel_id),
        "RUN_URL": emulator.url + done.path,
    }


def person(folder):
    """The variables of somebody who presses the buttons of the pages, and has a home in the folder."""
    return {
        "BROWSER": BROWSER,
        "BENTLEY_SYNC_CONFIG": str(folder / "config.toml"),
        "BENTLEY_SYNC_REDIRECT_URI": "http://127.0.0.1/back",
        "XDG_STATE_HOME": str(folder / "state"),
    }


@pytest.mark.parametrize("where", [where for where in PROGRAMS if where not in PROCESSES])
async def test_a_program_runs(where, tmp_path, monkeypatch, capsys):
    """In virtual time, on the event loop of this test: `asyncio.run`, which ends every program, is left to the test."""
    text = PROGRAMS[where]
    mains = []
    monkeypatch.setattr(asyncio, "run", mains.append)
    monkeypatch.setattr(anyio.to_thread, "run_sync", in_place)
    monkeypatch.chdir(tmp_path)
    async with Emulator(error_rate=0.0, retry_rate=0.0, accept_window=0.0) as emulator:
        done = emulator.start_run(emulator.add_connection())
        for name, value in (service_variables(emulator) | variables_of(emulator, done, tmp_path)).items():
            monkeypatch.setenv(name, value)
        exec(compile(text, where, "exec"), {"__name__": "__main__"})
        for main in mains:
            await main
    assert len(mains) == text.endswith(END) == text.count("asyncio.run(")
    printed = capsys.readouterr()
    assert printed.err == ""
    assert printed.out


@pytest.mark.parametrize("where", PROCESSES)
def test_a_command_or_a_program_runs_in_a_process_of_its_own(where, tmp_path):
    with served() as service:
        done = service.start_run(service.emulator.add_connection())
        variables = environment(service.variables | variables_of(service.emulator, done, tmp_path))
        variables |= person(tmp_path)
        variables["PATH"] = f"{Path(sys.executable).parent}:{variables['PATH']}"
        program = subprocess.run(
            PROCESSES[where],
            env=variables,
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=180,
            check=False,
        )
    assert (program.returncode, OPENED.sub("", program.stderr)) == (0, "")
    assert program.stdout


@pytest.mark.parametrize("page", sorted({where.partition(":")[0] for where in TEST_MODULES}))
def test_the_test_modules_of_a_page_pass_in_a_project_with_its_settings(page, tmp_path):
    here = [(where.partition(":")[2], text) for where, text in TEST_MODULES.items() if where.startswith(f"{page}:")]
    modules = {f"test_block_{line}": text for line, text in here}
    for name, text in modules.items():
        (tmp_path / f"{name}.py").write_text(text, encoding="utf-8")
    (tmp_path / "pyproject.toml").write_text(SETTINGS[page], encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "-Werror", "-pno:cacheprovider", "-v", str(tmp_path)]
    ran = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
    assert (ran.returncode, ran.stderr) == (0, ""), ran.stdout
    assert set(re.findall(r"^(test_block_\d+)\.py::.* PASSED", ran.stdout, re.MULTILINE)) == modules.keys()
    assert "SKIPPED" not in ran.stdout


def test_every_fence_is_the_begin_or_end_of_a_known_kind_of_block():
    fences = sum(document.read_text(encoding="utf-8").count("```") for document in DOCUMENTS)
    assert fences == 2 * len(BLOCKS)
    assert {language for _, language, _ in BLOCKS} <= {"python", *SHELLS, *ILLUSTRATIONS}


def test_every_program_and_every_command_is_among_the_blocks_that_run():
    text = "\n".join(document.read_text(encoding="utf-8") for document in DOCUMENTS)
    commands = len(re.findall(r"^ *\$? ?bentley-sync .*", text, re.MULTILINE))
    assert len(re.findall("^ *```python$", text, re.MULTILINE)) == len(PROGRAMS) + len(TEST_MODULES) > 0
    ran = COMMANDS.values()
    assert commands == sum(len(re.findall(r"^ *\$? ?bentley-sync .*", block, re.MULTILINE)) for block in ran) > 0


def test_the_first_screen_of_the_readme_shows_both_commands_and_a_program_of_15_lines():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    first = next(text for where, language, text in BLOCKS if where.startswith("README") and language == "python")
    screen = readme[: readme.index(first)]
    assert "make demo" in screen
    assert "make test" in screen
    assert sum(bool(line.strip()) for line in first.splitlines()) <= 15


def test_the_readme_lists_the_exit_codes_as_they_are():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (\d+) \| (.+) \|$", readme, re.MULTILINE)
    assert rows == [(str(int(code)), code.meaning) for code in ExitCode]


def test_every_link_to_a_file_leads_somewhere():
    links = [
        (document.name, target)
        for document in [*DOCUMENTS, ROOT / "CHANGELOG.md"]
        for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", document.read_text(encoding="utf-8"))
        if not (document.parent / target).exists()
    ]
    assert links == []
