"""Every program and every command in the documents is run, as it stands, against an emulator."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from support.served import environment, served

from bentley_sync_async.cli.exit_codes import ExitCode

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
RUNS = {
    where: ([sys.executable, "-c", text] if language == "python" else ["bash", "-euo", "pipefail", "-c", text])
    for where, language, text in BLOCKS
    if language == "python" or (language in SHELLS and COMMAND.search(text))
}


def command(where, folder):
    """What runs a block: Python, a shell, or pytest in a project with the page's settings if it is a test module."""
    *program, text = RUNS[where]
    if "\nasync def test_" not in text:
        return [*program, text]
    (folder / "test_block.py").write_text(text, encoding="utf-8")
    (folder / "pyproject.toml").write_text(SETTINGS[where.partition(":")[0]], encoding="utf-8")
    return [sys.executable, "-m", "pytest", "-Werror", "-pno:cacheprovider", str(folder)]


@pytest.mark.parametrize("where", RUNS)
def test_a_block_runs(where, tmp_path):
    with served() as service:
        imodel_id = service.emulator.new_imodel_id()
        done = service.start_run(service.emulator.add_connection())
        variables = environment(service.variables) | {
            "CONNECTION_ID": service.emulator.add_connection(imodel_id),
            "CONNECTION_IDS": " ".join(service.emulator.add_connection() for _ in range(2)),
            "TOKEN_FILE": str(tmp_path / "token"),
            "IMODEL_ID": imodel_id,
            "STORAGE_FILE_ID": service.emulator.new_storage_file_id("Station.dgn", imodel_id=imodel_id),
            "RUN_URL": service.emulator.url + done.path,
        }
        variables["PATH"] = f"{Path(sys.executable).parent}:{variables['PATH']}"
        program = subprocess.run(
            command(where, tmp_path),
            env=variables,
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    assert (program.returncode, program.stderr) == (0, "")
    assert program.stdout


def test_every_fence_is_the_begin_or_end_of_a_known_kind_of_block():
    fences = sum(document.read_text(encoding="utf-8").count("```") for document in DOCUMENTS)
    assert fences == 2 * len(BLOCKS)
    assert {language for _, language, _ in BLOCKS} <= {"python", *SHELLS, *ILLUSTRATIONS}


def test_every_program_and_every_command_is_among_the_blocks_that_run():
    text = "\n".join(document.read_text(encoding="utf-8") for document in DOCUMENTS)
    commands = len(re.findall(r"^ *\$? ?bentley-sync .*", text, re.MULTILINE))
    ran = [text for where, _, text in BLOCKS if where in RUNS]
    assert len(re.findall("^ *```python$", text, re.MULTILINE)) == sum(map(is_python, RUNS.values())) > 0
    assert commands == sum(len(re.findall(r"^ *\$? ?bentley-sync .*", block, re.MULTILINE)) for block in ran) > 0


def is_python(command):
    return command[0] == sys.executable


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
