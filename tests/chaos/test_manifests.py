"""Every fault at the trigger and the polls of a manifest connection: one run, the true result, everything once."""

import os
import random

import anyio
import pytest
from support.faults import add_fault, chaos, hits
from support.manifests.connections import manifest_files, new_manifest_connection
from support.runs import normal
from support.watch import completed_tasks, events_of

from bentley_sync_async import ManifestRun, fold
from bentley_sync_async.emulator import FileRule

SEEDS = range(int(os.environ.get("CHAOS_SEEDS", "1")))
TARGETS = {"trigger": ("POST", "/manifestconnections/[^/]+/runs$"), "poll": ("GET", "/runs/")}


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(("name", "target"), hits(list(TARGETS)))
async def test_a_watch_ends_with_the_true_result_whatever_happens_to_its_requests(name, target, seed):
    first = 1 if target == "trigger" else random.Random(f"{name}/{seed}").randint(1, 3)
    slow = FileRule(file_name="a*", duration=60, retries=1, retry_delay=10)
    async with chaos(seed, slow) as (emulator, proxy, client):
        connection = await new_manifest_connection(emulator, client)
        fault = add_fault(emulator, proxy, TARGETS[target], name, {first, first + 1} if target == "poll" else {first})
        watcher = client.watch_manifest(ManifestRun(connection_id=connection, files=manifest_files("a", "b")))
        with anyio.fail_after(24 * 3600):
            events = await events_of(watcher)
        proxy.rules.clear()
        truth = await client.manifest_connections.runs.get(connection, watcher.ref.run_id)

    assert fault.fired >= 1
    assert len(emulator.runs) == 1
    assert (watcher.ref, watcher.run) == (emulator.runs[0].ref, truth)
    assert [event.seq for event in events] == list(range(1, len(events) + 1))
    assert normal(fold(events)) == normal(truth)
    assert len(completed_tasks(events)) == len(set(completed_tasks(events))) == 2
