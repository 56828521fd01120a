"""A night of many connections on the emulator.

`BULK_CONNECTIONS=1000 BULK_IMODELS=300 FULL_LENGTH=1` for the full size.
"""

import os
import random

import pytest
from support.bulk import outcomes_of, runs_created
from support.quick import length

from bentley_sync_async import BackoffPacing, SynchronizationClient
from bentley_sync_async.bulk import OutcomeStatus
from bentley_sync_async.bulk.journal.sqlite import SQLiteJournal
from bentley_sync_async.emulator import Emulator, FileRule, RunRule

CONNECTIONS = int(os.environ.get("BULK_CONNECTIONS", "24"))
IMODELS = int(os.environ.get("BULK_IMODELS", "8"))
CONCURRENCY = max(CONNECTIONS // 20, 2)
MEDIAN, SIGMA, ERROR = 300.0, 0.8, 0.2
PACING = BackoffPacing(shortest=5, factor=1, longest=5, jitter=0)


def zipf_like(chance: random.Random, exponent: float) -> list[int]:
    """Which iModel each connection is of: each has one, the rest go to the nth with weight n ** -exponent."""
    weights = [(number + 1) ** -exponent for number in range(IMODELS)]
    return [*range(IMODELS), *chance.choices(range(IMODELS), weights, k=CONNECTIONS - IMODELS)]


@pytest.mark.usefixtures("no_threads")
@pytest.mark.parametrize("exponent", length([1.0], [0.4, 1.0]))  # a few large iModels, or all alike
async def test_a_night_takes_hardly_longer_than_it_must(exponent, tmp_path, record_property):
    chance = random.Random(4)
    async with Emulator(error_rate=0, retry_rate=0, accept_window=0, tier="standard") as emulator:
        emulator.add_run_rule(RunRule(queued=0, waiting=0, preprocessing=0, references=0, finalizing=0))
        imodels = [emulator.new_imodel_id() for _ in range(IMODELS)]
        work: dict[str, float] = {}
        of_imodel: dict[int, float] = {}
        for number in zipf_like(chance, exponent):
            connection = emulator.add_connection(imodels[number])
            work[connection] = chance.lognormvariate(0, SIGMA) * MEDIAN
            of_imodel[number] = of_imodel.get(number, 0.0) + work[connection]
            emulator.add_file_rule(FileRule(connection_id=connection, queued=0, duration=work[connection]))
        lower_bound = max(*of_imodel.values(), sum(work.values()) / CONCURRENCY)
        history = {one: [seconds * chance.uniform(1 - ERROR, 1 + ERROR)] for one, seconds in work.items()}
        async with SQLiteJournal(tmp_path / "nightly.db", origin=emulator.url) as journal:
            await journal.save_resolved({}, history)
        async with SynchronizationClient(emulator.token(lifetime=1e9), base_url=emulator.url) as client:
            bulk = client.run_many(work, concurrency=CONCURRENCY, pacing=PACING, journal=tmp_path / "nightly.db")
            outcomes = await outcomes_of(bulk)
        record_property("total over lower bound", round(bulk.report.duration / lower_bound, 3))
        record_property("requests", len(emulator.requests))
        assert {outcome.status for outcome in outcomes.values()} == {OutcomeStatus.SUCCEEDED}
        assert runs_created(emulator) == dict.fromkeys(work, 1)
        assert bulk.report.duration <= 1.10 * lower_bound
