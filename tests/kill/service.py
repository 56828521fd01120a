"""An emulator in a process of its own: says where it is, and when its input ends which runs there were."""

import asyncio
import json
import sys

import anyio.to_thread

from bentley_sync_async.emulator import Emulator, FaultAction, FaultRule, FileRule, RunRule


async def main(connections: int, imodels: int) -> None:
    async with Emulator(error_rate=0, retry_rate=0) as emulator:
        emulator.add_run_rule(RunRule(queued=0.02, waiting=0.02, preprocessing=0.02, references=0.02, finalizing=0.02))
        emulator.add_file_rule(FileRule(queued=0.02, duration=[0.05, 0.4]))
        # So that a client can be killed while a trigger is on its way.
        emulator.add_fault(FaultRule(action=FaultAction.DELAY, delay=0.1, method="POST", path="/run$"))
        ids = [emulator.new_imodel_id() for _ in range(imodels)]
        variables = {
            "url": emulator.url,
            "client_id": emulator.client_id,
            "client_secret": emulator.client_secret,
            "connections": [emulator.add_connection(ids[number % imodels]) for number in range(connections)],
        }
        print(json.dumps(variables), flush=True)
        await anyio.to_thread.run_sync(sys.stdin.read)
        print(json.dumps([run.connection_id for run in emulator.runs]), flush=True)


asyncio.run(main(int(sys.argv[1]), int(sys.argv[2])))
