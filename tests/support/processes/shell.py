"""Commands in processes of their own, on an emulator in a thread."""

import json
import os
import shlex
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from attrs import define, field, frozen
from support.served import COMMAND, Served, environment, served

from bentley_sync_async.models import ConnectorType

_PRELOADED = Path(__file__).with_name("preloaded.py")


@frozen
class Ended:
    """A command that has ended."""

    code: int
    out: str
    err: str
    operations: tuple[str, ...] = ()


@define
class Shell:
    """Runs commands; `{names}` in their lines are replaced with the ids of the place."""

    service: Served
    folder: Path
    ids: dict[str, str] = field(factory=dict)
    forks: "subprocess.Popen[str] | None" = None

    def __call__(self, line: str, *, code: int = 0, given: str = "", whole: bool = False, **variables: str) -> Ended:
        """Run a command.

        Args:
            line: Its line without `bentley-sync`.
            code: The exit code that it must have.
            given: Its standard input.
            whole: Whether to start it with `python -m`, instead of forking a process that has loaded it.
            **variables: Variables of its environment.
        """
        requests = self.service.emulator.requests
        before = len(requests)
        arguments = shlex.split(line.format(**self.ids))
        env = environment(self.service.variables | self.settings | variables)
        run = self._started if whole or self.forks is None else self._forked
        ended, out, err = run(arguments, env, given)
        assert ended == code, f"{line} ended with {ended}\n{out}\n{err}"
        operations = (request.operation for request in requests[before:])
        return Ended(ended, out, err, tuple(name for name in operations if name))

    def _started(self, arguments: list[str], env: dict[str, str], given: str) -> tuple[int, str, str]:
        ended = subprocess.run(
            [*COMMAND, *arguments],
            env=env,
            cwd=self.folder,
            input=given,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        return ended.returncode, ended.stdout, ended.stderr

    def _forked(self, arguments: list[str], env: dict[str, str], given: str) -> tuple[int, str, str]:
        assert self.forks is not None
        paths = {name: self.folder / f".{name}" for name in ("stdin", "stdout", "stderr")}
        for path in paths.values():
            path.write_text(given, "utf-8")
        paths["stdout"].write_text("")
        paths["stderr"].write_text("")
        order = {"argv": arguments, "env": env, "cwd": str(self.folder), **{k: str(v) for k, v in paths.items()}}
        print(json.dumps(order), file=self.forks.stdin, flush=True)
        code = int(self.forks.stdout.readline())
        return code, paths["stdout"].read_text("utf-8"), paths["stderr"].read_text("utf-8")

    @property
    def settings(self) -> dict[str, str]:
        """The place that is assumed, and a cache of its own."""
        place = {f"BENTLEY_SYNC_{name.upper()}": self.ids[name] for name in ("itwin", "imodel") if name in self.ids}
        return place | {"XDG_CACHE_HOME": str(self.folder / "cache")}


def _coverage_file() -> list[str]:
    """The file to measure coverage to, if the tests do so."""
    coverage = sys.modules.get("coverage")
    current = coverage.Coverage.current() if coverage is not None else None
    return [str(Path(current.config.data_file).absolute())] if current is not None else []


@contextmanager
def preloaded() -> Iterator["subprocess.Popen[str] | None"]:
    """A process that forks those of commands; `None` where that is not possible."""
    if not hasattr(os, "fork"):
        yield None
        return
    with subprocess.Popen(
        [sys.executable, str(_PRELOADED), *_coverage_file()], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        yield process
        process.stdin.close()


@contextmanager
def a_place(folder: Path, forks: "subprocess.Popen[str] | None" = None, **options: Any) -> Iterator[Shell]:
    """An iTwin `Harbour` with the iModel `Station` and its connections `Bridge` (two files) and `Tower` (one)."""
    with served(**options) as service:
        emulator = service.emulator
        itwin = emulator.add_itwin("Harbour")
        imodel = emulator.add_imodel(itwin, "Station")
        files = {name: emulator.add_file(itwin, name) for name in ("bridge.dgn", "piers.dgn", "tower.dgn", "spare.dgn")}
        bridge = [(files["bridge.dgn"], ConnectorType.MSTN), (files["piers.dgn"], ConnectorType.MSTN)]
        ids = {
            "itwin": itwin,
            "imodel": imodel,
            "bridge": emulator.add_connection(imodel, bridge, display_name="Bridge"),
            "tower": emulator.add_connection(imodel, [(files["tower.dgn"], ConnectorType.MSTN)], display_name="Tower"),
            "spare": files["spare.dgn"],
        }
        yield Shell(service, folder, ids, forks)
