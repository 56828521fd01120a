"""The whole client in a crowd of watches: `CROWD_WATCHES=1000` for as many as the Community tier must bear."""

import os

import pytest

from benchmarks.pacing.client import watched

pytestmark = pytest.mark.looptime(start=0)
WATCHES = int(os.environ.get("CROWD_WATCHES", "200"))
SHARE = WATCHES / 1000


async def test_a_thousand_watches_at_once_keep_to_the_quota_and_notice_each_end_sooner_than_regular_looks(
    record_property,
):
    night = await watched(WATCHES, notified=False, share=SHARE, past=5)
    record_property("mean delay by that of the best fixed interval", f"{night.delay:.0f} / {night.fixed:.0f} s")
    assert (night.refused, len(night.delays)) == (0, WATCHES)
    assert (night.minute <= 500 * SHARE, night.hour <= 5000 * SHARE) == (True, True)
    assert night.delay < night.fixed / 1.6


async def test_where_webhooks_tell_the_ends_a_watch_costs_hardly_more_than_one_look():
    night = await watched(WATCHES, notified=True, share=SHARE, past=5)
    assert (night.refused, len(night.delays)) == (0, WATCHES)
    assert (night.polls <= 1.2, night.delay < 2.0) == (True, True)
