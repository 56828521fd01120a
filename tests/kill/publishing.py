"""A publish as a nightly job runs it: a manifest, and a journal."""

import asyncio
import sys

from bentley_sync_async import BackoffPacing, SynchronizationClient

PACING = BackoffPacing(shortest=0.05, longest=0.2)


async def main(manifest: str, journal: str) -> None:
    print("begun", flush=True)
    async with (
        SynchronizationClient.from_env() as client,
        client.publish(manifest, journal=journal, pacing=PACING) as publish,
    ):
        report = await publish.result()
        print(report, file=sys.stderr)
    sys.exit(0 if report.good else 1)


asyncio.run(main(sys.argv[1], sys.argv[2]))
