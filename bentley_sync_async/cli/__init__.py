"""The command line, `bentley-sync`: commands, their views, and the texts that they print. Uses public names only."""

import sys

_NEEDED = frozenset({"platformdirs", "rich", "tomlkit", "typer"})


def main() -> int:
    """Run the command line with the arguments of the process and return its exit code."""
    try:
        import rich  # noqa: F401, PLC0415 - the extra `cli` may not be installed

        from .app import app  # noqa: PLC0415
    except ModuleNotFoundError as exc:
        if exc.name not in _NEEDED:
            raise
        print(f"bentley-sync needs {exc.name}. From the clone: pip install '.[cli]'", file=sys.stderr)
        return 2
    return int(app(standalone_mode=True) or 0)
