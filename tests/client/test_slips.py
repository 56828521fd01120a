"""Wrong settings of a client are rejected with a clear error, before anything is sent where that is possible."""

from math import inf, nan

import pytest
from support.transport import answer, scripted

from bentley_sync_async import (
    BackoffPacing,
    ConfigurationError,
    FixedPacing,
    InvalidArgumentError,
    LearnedPacing,
    RateTier,
    RunRef,
    SynchronizationClient,
    UsageError,
)
from bentley_sync_async.bulk import BulkRun
from bentley_sync_async.pacing import CompletionNotifier

pytestmark = pytest.mark.looptime(start=0)
ID, RUN_ID = "a" * 43, "0d3c4f4c-1f33-4ad0-9ef5-0d8c1f2a4b5c"
REF = RunRef(connection_id=ID, run_id=RUN_ID)
EXECUTING = answer(200, {"run": {"id": RUN_ID, "state": "Executing"}})


@pytest.mark.parametrize("tier", ["community", 5, RateTier])
def test_a_value_that_is_no_tier_is_rejected(tier):
    with pytest.raises(ConfigurationError, match="rate_tier must be a RateTier such as"):
        SynchronizationClient("token", rate_tier=tier)


@pytest.mark.parametrize("completions", [5, [], CompletionNotifier])
def test_a_value_that_is_no_completion_signal_is_rejected(completions):
    with pytest.raises(ConfigurationError, match="completions must be a CompletionSignal"):
        SynchronizationClient("token", completions=completions)


@pytest.mark.parametrize("pacing", [5, LearnedPacing, lambda _: 1.0], ids=["a number", "a class", "a function"])
@pytest.mark.parametrize("call", ["watch", "attach", "run_many"])
def test_a_value_that_is_no_pacing_is_rejected_before_anything_is_sent(call, pacing):
    transport, client = scripted()
    calls = {"watch": (client.watch, ID), "attach": (client.attach, REF), "run_many": (client.run_many, [ID])}
    use, argument = calls[call]
    with pytest.raises(InvalidArgumentError, match="pacing must be an object with a method delay"):
        use(argument, pacing=pacing)
    assert transport.sent == []


@pytest.mark.parametrize("wait", [None, "1", nan, inf, -1.0])
async def test_a_pacing_that_returns_no_seconds_ends_the_watch_with_a_resume_token(wait):
    class Odd:
        def delay(self, _):
            return wait

    _, client = scripted(EXECUTING)
    with pytest.raises(InvalidArgumentError, match="delay must return a number of seconds") as caught:
        await client.attach(REF, pacing=Odd()).result()
    assert caught.value.resume_token


@pytest.mark.parametrize("demand", [None, 7])
async def test_a_pacing_that_returns_no_demand_ends_its_watch(demand):
    class Odd(LearnedPacing):
        def demand(self, _):
            return demand

    _, client = scripted(EXECUTING, answer(200, {"runs": []}))
    with pytest.raises(InvalidArgumentError, match="The demand of a pacing must be a PollDemand"):
        await client.attach(REF, pacing=Odd()).result()


@pytest.mark.parametrize(
    ("make", "setting", "value"),
    [
        (FixedPacing, "interval", "x"),
        (FixedPacing, "interval", 0),
        (FixedPacing, "jitter", 2),
        (BackoffPacing, "factor", 0.5),
        (BackoffPacing, "longest", inf),
        (LearnedPacing, "shortest", nan),
        (LearnedPacing, "jitter", None),
    ],
)
def test_an_invalid_setting_of_a_pacing_is_rejected_by_name(make, setting, value):
    with pytest.raises(InvalidArgumentError, match=f"{setting} must be a number"):
        make(**{setting: value})


async def test_a_request_of_a_client_that_is_not_open_is_not_counted():
    client = SynchronizationClient("token", base_url="http://127.0.0.1:1")
    with pytest.raises(ConfigurationError, match="not open"):
        await client.storage_connections.get(ID)
    assert client.budget.hour.spent == {}


@pytest.mark.parametrize("use", [BulkRun.result, BulkRun.__anext__])
async def test_a_bulk_that_was_not_entered_says_so(use):
    transport, client = scripted()
    with pytest.raises(UsageError, match=r"before it is entered: `async with client.run_many\(...\) as bulk`"):
        await use(client.run_many([ID]))
    assert transport.sent == []


async def test_a_bulk_that_was_not_entered_has_an_empty_report():
    _, client = scripted()
    bulk = client.run_many([ID])
    assert (len(bulk.report.outcomes), bulk.report.duration, bulk.progress.total) == (0, 0.0, 0)


async def test_a_bulk_that_was_left_can_still_be_read():
    _, client = scripted(always=answer(404))
    async with client.run_many([ID]) as bulk:
        await bulk.result()
    assert len((await bulk.result()).outcomes) == 1


@pytest.mark.parametrize("opened", [False, True], ids=["never opened", "left"])
async def test_a_client_that_is_not_open_says_so_whatever_it_is_asked(opened):
    client = SynchronizationClient("token", base_url="http://127.0.0.1:1")
    if opened:
        async with client:
            pass
    for use in (client.storage_connections.get(ID), client.attach(REF).result(), client.run_many([ID]).plan()):
        with pytest.raises(ConfigurationError, match="The client is not open"):
            await use
    with pytest.raises(ConfigurationError, match="The client is not open"):
        async with client.run_many([ID]) as bulk:
            await bulk.result()
