"""A bulk as a nightly job runs it: connections on its input, a journal, a report."""

import asyncio
import sys
from pathlib import Path

from bentley_sync_async import BackoffPacing, SynchronizationClient

PACING = BackoffPacing(shortest=0.05, longest=0.2)


async def main(journal: str, report: str) -> None:
    connections = sys.stdin.read().split()
    print("begun", flush=True)
    async with (
        SynchronizationClient.from_env() as client,
        client.run_many(connections, journal=journal, concurrency=8, pacing=PACING) as bulk,
    ):
        found = await bulk.result()
        draft = Path(f"{report}.draft")
        draft.write_text(found.to_json())
        draft.replace(report)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2]))
