"""Change the pure files in small ways, one at a time, and count the changes that their tests notice.

`make mutants` runs all; `.venv/bin/python tests/mutants/run.py wire/ids.py` the named files. cosmic-ray makes the
mutants; each is tested in a copy of the tree, one copy for each processor. Prints what survived and the share killed
of each file, and fails if that is below 85 % of all.

Not every mutant counts. One whose code does not compile says nothing of the tests, nor does one that differs in
annotations only, or is the same code as another. Operators are chosen, too: one replacement for each arithmetic
operator, for others fail in the same way; `is` against `is not`, for `is` and `==` are the same for what is compared
here (None, enum members, small numbers). Texts are not mutated at all.
"""

import ast
import compileall
import itertools
import multiprocessing
import os
import re
import shlex
import shutil
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import ExitStack
from pathlib import Path
from queue import SimpleQueue

import pytest
from attrs import frozen
from cosmic_ray.mutating import mutate_code
from cosmic_ray.plugins import get_operator, operator_names

ROOT = Path(__file__).parents[2]
PACKAGE = "bentley_sync_async"
AIM = 85.0
TIMEOUT = 60.0  # seconds; the tests of a file take five
OPTIONS = shlex.split("-x -q -n0 --assert=plain -p no:randomly -p no:cacheprovider --hypothesis-profile=ci")
VERDICTS = ("killed", "timed out", "survived")

# What stands for each file, the quickest first.
TESTS = {
    "transport/rate_limit/budget.py": ("transport/test_budget.py", "transport/test_limiter.py"),
    "transport/rate_limit/throttle.py": ("transport/test_throttle.py",),
    "transport/retry.py": ("transport/test_retry.py", "transport/test_throttle.py"),
    "transport/rate_limit/windows.py": ("transport/test_budget.py", "transport/test_limiter.py"),
    "watch/resume_state.py": ("watch/test_resume_state.py", "watcher/test_resume.py"),
    "watch/diff.py": ("watch/test_diff.py", "watch/test_laws.py"),
    "pacing/distribution.py": ("pacing/test_distribution.py",),
    "watch/events.py": ("watch/test_events.py", "watch/test_diff.py"),
    "pacing/progress.py": ("pacing/test_progress.py",),
    "pacing/history.py": ("pacing/test_history.py",),
    "watch/fold.py": ("watch/test_fold.py", "watch/test_diff.py", "watch/test_laws.py"),
    "pacing/learned.py": ("pacing/test_learned.py",),
    "pacing/scheduler.py": ("pacing/test_scheduler.py", "watcher/test_polls.py"),
    "watch/fingerprints.py": ("watch/test_fingerprints.py", "watcher/test_resume.py"),
    "pacing/strategies.py": ("pacing/test_strategies.py",),
    "watch/retry_state.py": ("watch/test_retry_state.py", "watcher/test_failures.py"),
    "pacing/price.py": ("pacing/test_price.py",),
    "resources/names.py": ("resources/test_platform.py",),
    "resources/storage/urls.py": ("storage/test_urls.py",),
    "wire/codec.py": (
        "models/test_platform_fixtures.py",
        "wire/test_fixtures.py",
        "watch/test_events.py",
        "wire/test_codec.py",
    ),
    "wire/headers.py": ("wire/test_headers.py",),
    "wire/ids.py": ("wire/test_ids.py",),
    "wire/locations.py": ("wire/test_locations.py",),
    "wire/oauth/openid.py": ("wire/oauth/test_openid.py",),
    "wire/oauth/sign_ins.py": ("wire/oauth/test_openid.py",),
    "wire/oauth/tokens.py": ("wire/oauth/test_tokens.py", "wire/oauth/test_openid.py"),
    "wire/paging.py": ("wire/test_paging.py",),
    "wire/problems.py": ("wire/test_problems.py",),
    "wire/resume.py": ("wire/test_resume.py", "watcher/test_resume.py"),
    "wire/shapes.py": ("wire/test_snapshots.py",),
    "wire/snapshots.py": ("wire/test_snapshots.py",),
    "wire/webhooks.py": ("wire/test_webhooks.py",),
}

# A test run takes most of its time to import what never changes: each is forked from a process that has done so.
FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload(
    [
        "__main__",
        "aiohttp.web",
        "anyio._backends._asyncio",
        "cattrs",
        "hypothesis.strategies",
        "msgspec",
        "pytest_asyncio",
    ]
)

ORDER = "(Eq|NotEq|Lt|LtE|Gt|GtE)"
OPERATORS = re.compile(
    rf"core/(AddNot|RemoveDecorator|NumberReplacer|ExceptionReplacer|ZeroIterationForLoop|Replace("
    rf"TrueWithFalse|FalseWithTrue|AndWithOr|OrWithAnd|BreakWithContinue|ContinueWithBreak|UnaryOperator_.*|"
    rf"ComparisonOperator_({ORDER}_{ORDER}|Is_IsNot|IsNot_Is)|"
    rf"BinaryOperator_(Add_Sub|Sub_Add|Mul_Add|Div_Mul|FloorDiv_Mul|Mod_Mul|Pow_Mul|BitOr_BitAnd|BitAnd_BitOr)))"
)


@frozen
class Mutant:
    """A file with one change: its path below the package, the operator, and the file as it is then."""

    file: str
    operator: str
    code: str

    def change(self, original: str) -> str:
        """Return the first line that differs, with its number."""
        pairs = itertools.zip_longest(original.splitlines(), self.code.splitlines(), fillvalue="")
        number, (_, line) = next((n, pair) for n, pair in enumerate(pairs, 1) if pair[0] != pair[1])
        return f"{self.file}:{number}: {self.operator.removeprefix('core/')}: {line.strip()}"


class _Meaning(ast.NodeTransformer):
    """Leaves out annotations, which only tools read."""

    def visit_arg(self, node: ast.arg) -> ast.AST:
        node.annotation = None
        return node

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        node.returns = None
        return self.generic_visit(node)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST:
        node.annotation = ast.Constant(None)
        return self.generic_visit(node)


def meaning(code: str) -> str | None:
    """Return what the code does, in a form that can be compared; `None` if it does not compile."""
    try:
        return ast.dump(_Meaning().visit(ast.parse(code)))
    except SyntaxError:
        return None


def mutants(file: str, source: str) -> Iterator[Mutant]:
    """Yield the mutants of a file that count."""
    seen = {None, meaning(source)}
    for name in filter(OPERATORS.fullmatch, operator_names()):
        for code in mutated(source, name):
            if (meant := meaning(code)) not in seen:
                seen.add(meant)
                yield Mutant(file, name, code)


def mutated(source: str, operator: str) -> Iterator[str]:
    """Yield what an operator makes of a file, one place at a time."""
    for occurrence in itertools.count():
        try:
            code = mutate_code(source, get_operator(operator)(), occurrence)
        except AttributeError:  # cosmic-ray 8 fails at a dotted name in an except clause
            continue
        if code is None:
            return
        yield code


def run_tests(tree: Path, tests: tuple[str, ...]) -> None:
    """Run tests against the package of a tree, and leave the process with their exit code."""
    # Two changes of a file within a second look the same to Python's cache of compiled files.
    sys.dont_write_bytecode = True
    sys.path.insert(0, str(tree))
    os.chdir(tree)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.dup2(nowhere, sys.stderr.fileno())
    os._exit(pytest.main([*OPTIONS, *(f"tests/{path}" for path in tests)]))


def verdict(tree: Path, file: str) -> str:
    """Return what the tests of a file say in a copy of the tree: "killed" if one fails."""
    process = FORKS.Process(target=run_tests, args=(tree, TESTS[file]))
    process.start()
    process.join(TIMEOUT)
    if process.exitcode is None:
        process.kill()
        process.join()
        return "timed out"
    return "killed" if process.exitcode else "survived"


def tested(mutant: Mutant, trees: SimpleQueue[Path]) -> str:
    """Put the mutant into a tree that is free, return what the tests say, and put the file back."""
    tree = trees.get()
    path = tree / PACKAGE / mutant.file
    original = path.read_text()
    path.write_text(mutant.code)
    try:
        return verdict(tree, mutant.file)
    finally:
        path.write_text(original)
        trees.put(tree)


def copies(stack: ExitStack) -> SimpleQueue[Path]:
    """Return a copy of what the tests need for each processor, gone when the stack is closed."""
    trees: SimpleQueue[Path] = SimpleQueue()
    for _ in range(os.cpu_count() or 1):
        tree = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="mutants-")))
        for folder in (PACKAGE, "tests", "benchmarks"):
            shutil.copytree(ROOT / folder, tree / folder)
        shutil.copy2(ROOT / "pyproject.toml", tree)
        compileall.compile_dir(tree, quiet=1)
        trees.put(tree)
    return trees


def main(files: list[str]) -> int:
    """Test the mutants of the files, print what came of them, and return the exit code."""
    sources = {file: (ROOT / PACKAGE / file).read_text() for file in files}
    counts = {file: dict.fromkeys(VERDICTS, 0) for file in files}
    with ExitStack() as stack:
        trees = copies(stack)
        pool = stack.enter_context(ThreadPoolExecutor(trees.qsize()))
        stack.callback(pool.shutdown, cancel_futures=True)
        whole = [Mutant(file, "none", source) for file, source in sources.items()]
        for mutant, said in zip(whole, pool.map(lambda mutant: tested(mutant, trees), whole), strict=True):
            if said != "survived":
                print(f"The tests of {mutant.file} fail without a mutant.")
                return 2
        running = {
            pool.submit(tested, mutant, trees): mutant
            for file, source in sources.items()
            for mutant in mutants(file, source)
        }
        for future in as_completed(running):
            mutant, said = running[future], future.result()
            counts[mutant.file][said] += 1
            if said != "killed":
                print(f"{said}: {mutant.change(sources[mutant.file])}", flush=True)
    return report(counts)


def report(counts: dict[str, dict[str, int]]) -> int:
    """Print the table, and return 0 if the aim is reached."""
    rows = sorted(counts.items())
    rows.append(("total", {said: sum(count[said] for count in counts.values()) for said in VERDICTS}))
    print(f"\n{'file':20} {'mutants':>8}", *(f"{said:>9}" for said in VERDICTS), f"{'noticed':>9}")
    share = 0.0
    for name, count in rows:
        total = sum(count.values())
        share = 100 * (1 - count["survived"] / total)
        print(f"{name:20} {total:8}", *(f"{number:9}" for number in count.values()), f"{share:7.1f} %")
    return 0 if share >= AIM else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:] or list(TESTS)))
