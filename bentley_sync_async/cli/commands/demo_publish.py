"""The second part of the demo: a folder of three small files, published, one of them changed, and published again."""

from __future__ import annotations

import importlib.util
import shutil
import tempfile
from pathlib import Path

from rich.console import Console

from bentley_sync_async import BackoffPacing, SynchronizationClient
from bentley_sync_async.cli.formatting.display_names import DisplayNames
from bentley_sync_async.cli.formatting.publish import publish_report_text
from bentley_sync_async.cli.views.publish import best_publish_view
from bentley_sync_async.publish import PublishManifest

from .background import show
from .publish import INTERVAL

FOLDER = Path(__file__).parents[1] / "demo_files"
CHANGED = "cad/roof.dgn"

_MISSING = "To see files published, too: pip install '.[cli,publish]'"


async def publish_twice(console: Console, client: SynchronizationClient, pacing: BackoffPacing) -> None:
    """Publish the files of the demo to a new iModel, change one, and publish them again."""
    if importlib.util.find_spec("azure") is None:
        _say(console, _MISSING)
        return
    await client.itwins.create("Demo")
    with tempfile.TemporaryDirectory(prefix="bentley-sync-demo-") as name:
        folder = Path(name)
        shutil.copytree(FOLDER, folder, dirs_exist_ok=True)
        _say(console, "\nThree files of a folder, published to a new iModel: bentley-sync publish publish.toml")
        await _publish(console, client, folder, pacing)
        with (folder / CHANGED).open("a", encoding="utf-8") as file:
            file.write("It has a skylight now.\n")
        _say(console, f"\n{CHANGED} was changed; published again:")
        await _publish(console, client, folder, pacing)


async def _publish(console: Console, client: SynchronizationClient, folder: Path, pacing: BackoffPacing) -> None:
    manifest = PublishManifest.read(folder / "publish.toml")
    async with client.publish(manifest, journal=folder / "publish.db", pacing=pacing) as publish:
        await show(publish, best_publish_view(console, DisplayNames()), every=INTERVAL)
        _say(console, publish_report_text(publish.report))


def _say(console: Console, text: str) -> None:
    console.print(text, markup=False, highlight=False, soft_wrap=True)
