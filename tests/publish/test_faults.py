"""Faults at every request of a publish: it is started again until it is good, and then everything is there once."""

import os
import random

import anyio
import pytest
from publish.site import site

from bentley_sync_async import FixedPacing, SynchronizationError
from bentley_sync_async.emulator import FaultAction, FaultRule

PACING = FixedPacing(interval=15, jitter=0)
EVERY = int(os.environ.get("PUBLISH_FAULTS_EVERY", "0"))
"""Every how many requests there is a fault at one; 0 for one of the first two dozen only."""

FAULTS = {
    "500": {"status": 500},
    "500 after it was done": {"status": 500, "performed": True},
    "429": {"status": 429, "code": "RateLimitExceeded", "retry_after": 3},
    "503 with a page": {"status": 503, "body": "<html>down</html>"},
    "reset before the answer": {"action": FaultAction.RESET_BEFORE_HEADERS, "performed": True},
    "reset within the answer": {"action": FaultAction.RESET_AFTER_HEADERS},
    "truncated": {"action": FaultAction.TRUNCATED_BODY},
    "a page": {"action": FaultAction.HTML_BODY},
    "empty": {"action": FaultAction.EMPTY_BODY},
    "late": {"action": FaultAction.DELAY, "delay": 90},
}
APART_FROM_TOKENS = r"^/(?!connect|\.well-known)"


async def publish_with(folder, name, nth):
    """Publish, with a fault at the nth request, until it is good; return whether there was an nth request."""
    async with site(folder, most=2) as here:
        here.write(a="one", b="two", c="three")
        await here.result(pacing=PACING)
        here.write(b="another two", d="four")
        rule = here.emulator.add_fault(FaultRule(path=APART_FROM_TOKENS, nth=nth, **FAULTS[name]))
        good = False
        for _ in range(4):
            try:
                good = (await here.result(pacing=PACING)).good
            except SynchronizationError:
                await anyio.sleep(60)
            if good:
                break
        rule.path = "^never$"  # what follows is no part of the publish
        assert good
        assert await here.stored() == here.expected()
        assert await here.connections() == ["Nightly 1", "Nightly 2"]
        assert (await here.result(pacing=PACING)).runs == ()
        return rule.fired == 1


@pytest.mark.parametrize("name", FAULTS)
async def test_a_fault_at_any_request_costs_nothing_but_time(name, tmp_path, record_property):
    nth, tried = 1 if EVERY else random.randint(1, 24), 0
    while True:
        folder = tmp_path / str(nth)
        folder.mkdir()
        if not await publish_with(folder, name, nth):
            break
        nth, tried = nth + EVERY, tried + 1
        assert nth < 200
        if not EVERY:
            break
    record_property("faults", tried)
    assert tried >= (30 // EVERY if EVERY else 1)
