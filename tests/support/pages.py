"""The payloads of `tests/fixtures`: what the pages print, byte for byte."""

from pathlib import Path

FIXTURES = Path(__file__).parents[1] / "fixtures"

ERROR_PAGES = sorted(
    f"{path.parent.name}/{path.stem}"
    for path in FIXTURES.glob("*/*.json")
    if path.stem.isdigit() and int(path.stem) >= 400
)


def payload(name: str) -> bytes:
    """Return a fixture, such as `run-storage-connection/403`."""
    return (FIXTURES / f"{name}.json").read_bytes()
