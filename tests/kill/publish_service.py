"""An emulator to publish to, in a process of its own: says at the end what it holds."""

import asyncio
import json
import sys
from collections import Counter

import anyio.to_thread

from bentley_sync_async import ClientCredentials, SynchronizationClient
from bentley_sync_async.emulator import Emulator, FaultAction, FaultRule, FileRule, RunRule


async def contents(emulator: Emulator, imodel_id: str, itwin_id: str) -> dict[str, object]:
    """What Storage and the iModel hold."""
    credentials = ClientCredentials(emulator.client_id, emulator.client_secret)
    async with SynchronizationClient(credentials, base_url=emulator.url) as client:
        root = await client.storage.root_folder_id(itwin_id)
        files = [
            (file.description, file.size)
            async for folder in client.storage.folders.list(root)
            async for file in client.storage.files.list(folder.id)
        ]
        connections = [one async for one in client.storage_connections.list(imodel_id)]
        mapped = Counter(
            [
                file.storage_file_id
                for one in connections
                async for file in client.storage_connections.source_files.list(one.id)
            ]
        )
    # What was performed for a client that was killed meanwhile has no status.
    done = [one for one in emulator.requests if one.path.endswith("/complete") and one.status in {200, None}]
    return {
        "files": files,
        "connections": [one.display_name for one in connections],
        "mapped": sorted(mapped.values()),
        "runs": [run.connection_id for run in emulator.runs],
        "completed": len(done),
    }


async def main() -> None:
    async with Emulator(error_rate=0, retry_rate=0) as emulator:
        emulator.add_run_rule(RunRule(queued=0.02, waiting=0.02, preprocessing=0.02, references=0.02, finalizing=0.02))
        emulator.add_file_rule(FileRule(queued=0.02, duration=0.02))
        # So that a client can be killed while an answer is on its way.
        emulator.add_fault(
            FaultRule(action=FaultAction.DELAY, delay=0.05, path="/(complete|run|files|storageconnections)$")
        )
        itwin_id = emulator.add_itwin("Station West")
        imodel_id = emulator.add_imodel(itwin_id, "Combined")
        variables = {"url": emulator.url, "client_id": emulator.client_id, "client_secret": emulator.client_secret}
        print(json.dumps(variables), flush=True)
        await anyio.to_thread.run_sync(sys.stdin.read)
        print(json.dumps(await contents(emulator, imodel_id, itwin_id)), flush=True)


asyncio.run(main())
