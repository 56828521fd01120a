"""Rules of the package's source that no linter knows."""

import ast
import re
import tomllib
from pathlib import Path

from support.quick import each

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "bentley_sync_async"
SOURCES = sorted(PACKAGE.rglob("*.py"))
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
CONTRACTS = {contract["name"]: contract for contract in PYPROJECT["tool"]["importlinter"]["contracts"]}
APART = {"emulator", "testing"}  # above or beside the layers, each with contracts of its own


def offenders(rule):
    """What a rule finds in the sources, by file; a rule returns something true for what breaks it."""
    found = {str(path.relative_to(PACKAGE)): rule(path) for path in SOURCES}
    return {file: broken for file, broken in found.items() if broken}


def tree_of(path):
    return ast.parse(path.read_text("utf-8"))


def is_context_manager(function):
    names = {ast.unparse(decorator).rpartition(".")[2] for decorator in function.decorator_list}
    return bool(names & {"asynccontextmanager", "contextmanager"})


def yields_inside_a_scope(function):
    """Lines of `yield` below a `with` of the function itself, not of a function inside it."""
    found = []

    def visit(node, inside):
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
                continue
            if isinstance(child, ast.Yield | ast.YieldFrom) and inside:
                found.append(child.lineno)
            visit(child, inside or isinstance(child, ast.With | ast.AsyncWith))

    visit(function, inside=False)
    return found


def offending_generators(tree):
    return [
        (function.name, line)
        for function in ast.walk(tree)
        if isinstance(function, ast.AsyncFunctionDef) and not is_context_manager(function)
        for line in yields_inside_a_scope(function)
    ]


def names_used(tree):
    """Every dotted name that the source calls or imports."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            yield ast.unparse(node)
        elif isinstance(node, ast.Name):
            yield node.id
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


FORBIDDEN = ["create_task", "ensure_future", "pickle", "unittest.mock", "time.sleep", "get_event_loop"]


def forbidden_names(tree):
    used = list(names_used(tree))
    return [name for name in used if any(name == word or name.endswith(f".{word}") for word in FORBIDDEN)]


def test_no_async_generator_yields_while_it_holds_a_scope():
    assert offenders(lambda path: offending_generators(tree_of(path))) == {}


def test_nothing_starts_a_task_outside_a_group_or_pickles_or_mocks_or_blocks():
    # A step of a watch outlives the consumer that waits for it, so no group of the consumer's can hold it. A test's
    # fixture enters and leaves an emulator in two tasks, so that no group of the emulator's context can hold its work.
    found = offenders(lambda path: forbidden_names(tree_of(path)))
    starts = ["asyncio.get_running_loop().create_task"]
    assert found == {"transport/tasks.py": starts, "emulator/background.py": starts}


def test_a_file_has_at_most_four_hundred_lines():
    assert offenders(lambda path: len(path.read_text("utf-8").splitlines()) > 400) == {}


def test_a_file_says_in_its_first_line_what_is_in_it():
    assert offenders(lambda path: not (ast.get_docstring(tree_of(path)) or "").partition("\n")[0].endswith(".")) == {}


def test_no_file_is_a_drawer():
    assert offenders(lambda path: path.stem in {"utils", "util", "helpers", "common", "misc", "manager"}) == {}


@each("top", ["bentley_sync_async", "benchmarks", "docs", "tests"])
def test_no_folder_has_more_than_a_dozen_files(top):
    folders = [ROOT / top, *(path for path in (ROOT / top).rglob("*") if path.is_dir())]
    files = {
        str(folder.relative_to(ROOT)): len([path for path in folder.glob("*.*") if path.is_file()])
        for folder in folders
    }
    assert {folder: count for folder, count in files.items() if count > 12 and "cache" not in folder} == {}


@each(
    "source",
    [
        "async def f():\n    async with g():\n        yield 1",
        "async def f():\n    with g():\n        if True:\n            yield 1",
        "async def f():\n    async with g():\n        while True:\n            x = yield 1",
    ],
)
def test_the_rule_on_generators_finds(source):
    assert [name for name, _ in offending_generators(ast.parse(source))] == ["f"]


@each(
    "source",
    [
        "@asynccontextmanager\nasync def f():\n    async with g():\n        yield 1",
        "async def f():\n    async with g():\n        pass\n    yield 1",
        "async def f():\n    async with g():\n        return [1 async for _ in h()]",
        "async def f():\n    with g():\n        def inner():\n            yield 1",
    ],
)
def test_the_rule_on_generators_lets_pass(source):
    assert offending_generators(ast.parse(source)) == []


@each(
    "source",
    [
        "import asyncio\nasyncio.create_task(f())",
        "from asyncio import create_task",
        "loop.create_task(f())",
        "asyncio.ensure_future(f())",
        "import pickle",
        "from pickle import dumps",
        "from unittest import mock",
        "import unittest.mock",
        "import time\ntime.sleep(1)",
        "from time import sleep",
    ],
)
def test_the_rule_on_names_finds(source):
    assert forbidden_names(ast.parse(source))


@each("source", ["await anyio.sleep(1)", "group.start_soon(f)", "'pickle'"])
def test_the_rule_on_names_lets_pass(source):
    assert forbidden_names(ast.parse(source)) == []


def rooms():
    """The sub-packages and modules right below the package."""
    folders = {path.parent.name for path in PACKAGE.glob("*/__init__.py")}
    files = {path.stem for path in PACKAGE.glob("*.py")} - {"__init__", "__main__", "_version"}
    return folders | files


def rooms_of(layer):
    return re.split(r"\s*[|:]\s*", layer)


def layers():
    return {room for layer in CONTRACTS["Layers import downward only"]["layers"] for room in rooms_of(layer)}


def test_every_room_has_its_layer_or_stands_apart():
    assert rooms() - APART == layers()


def test_the_layers_are_in_the_order_of_the_design():
    order = ["errors", "models", "wire", "transport", "resources", "watch", "bulk", "client", "cli"]
    lowest_first = reversed(CONTRACTS["Layers import downward only"]["layers"])
    named = [room for layer in lowest_first for room in rooms_of(layer) if room in order]
    assert named == [room for room in order if room in layers()]


def short(modules):
    return {module.removeprefix("bentley_sync_async.") for module in modules}


def test_the_emulator_may_use_models_and_errors_only():
    contract = CONTRACTS["The emulator knows models and errors, nothing else of the package"]
    assert short(contract["forbidden_modules"]) == rooms() - {"models", "errors", "redaction"} - APART


def test_no_room_of_the_client_may_use_the_emulator_but_the_command_line():
    contract = CONTRACTS["The client does not know the emulator"]
    assert short(contract["source_modules"]) == rooms() - {"cli"} - APART


def test_the_command_line_and_the_integrations_may_use_no_room_of_the_client_but_files():
    contract = CONTRACTS["The command line and the integrations import the public package and files only"]
    assert short(contract["source_modules"]) == {"cli", "integrations"}
    forbidden = {module.removesuffix(".*") for module in short(contract["forbidden_modules"])}
    assert forbidden == rooms() - {"cli", "files", "integrations"} - APART


def test_only_public_namespaces_may_be_imported_as_such():
    contract = CONTRACTS["The command line and the integrations import the public package and files only"]
    namespaces = {module.removesuffix(".*") for module in short(contract["forbidden_modules"]) if module.endswith(".*")}
    assert namespaces == {"auth", "bulk", "models", "pacing", "publish", "transport"}


def test_json_is_kept_out_of_every_room_but_wire_and_the_emulator():
    contract = CONTRACTS["JSON stays in wire and the emulator"]
    assert short(contract["source_modules"]) | {"errors", "files", "redaction"} == rooms() - {"wire"} - APART


def test_aiohttp_is_kept_out_of_every_file_but_two():
    contract = CONTRACTS["aiohttp stays in transport/http.py, integrations/webhooks.py and the emulator"]
    assert short(contract["source_modules"]) | {"errors", "files", "redaction"} == rooms() - APART
    allowed = ["bentley_sync_async.integrations.webhooks -> aiohttp", "bentley_sync_async.transport.http -> aiohttp"]
    assert contract["ignore_imports"] == allowed
