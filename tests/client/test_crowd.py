"""The whole client with many watches: `CROWD_WATCHES=1000` for the number that the Community tier must serve."""

import os

import pytest

from benchmarks.pacing.client import watched

pytestmark = pytest.mark.looptime(start=0)
WATCHES = int(os.environ.get("CROWD_WATCHES", "100"))
SHARE = WATCHES / 1000


async def test_a_thousand_watches_keep_to_the_quota_and_notice_ends_sooner_than_polls_at_fixed_intervals(
    record_property,
):
    night = await watched(WATCHES, notified=False, share=SHARE, past=5)
    record_property("mean delay by that of the best fixed interval", f"{night.delay:.0f} / {night.fixed:.0f} s")
    assert (night.refused, len(night.delays)) == (0, WATCHES)
    assert (night.minute <= 500 * SHARE, night.hour <= 5000 * SHARE) == (True, True)
    assert night.delay < night.fixed / 1.6


async def test_with_webhooks_a_watch_needs_hardly_more_than_one_poll():
    night = await watched(WATCHES, notified=True, share=SHARE, past=5)
    assert (night.refused, len(night.delays)) == (0, WATCHES)
    assert (night.polls <= 1.2, night.delay < 2.0) == (True, True)
