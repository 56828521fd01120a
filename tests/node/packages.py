"""Packages of npm, which are installed below .venv, so that `make clean` removes them."""

from __future__ import annotations

import shlex
import shutil
import subprocess
import sys
from pathlib import Path

_INSTALL = "npm install --no-package-lock --legacy-peer-deps --ignore-scripts --no-audit --no-fund --silent"


def missing() -> str | None:
    """Return what to do first if Node.js or npm is not there."""
    absent = [name for name in ("node", "npm") if shutil.which(name) is None]
    return f"{absent[0]} is not installed: install Node.js 20 or later, with npm." if absent else None


def installed(source: Path) -> Path:
    """Return a copy of a folder with the packages of its package.json, which are installed when that has changed."""
    target = Path(sys.prefix) / source.name
    target.mkdir(exist_ok=True)
    for path in source.iterdir():
        if path.is_file():
            shutil.copy(path, target)
    wanted, known = source / "package.json", target / "installed.json"
    if not known.exists() or known.read_bytes() != wanted.read_bytes():
        subprocess.run(shlex.split(_INSTALL), cwd=target, check=True)
        shutil.copy(wanted, known)
    return target
