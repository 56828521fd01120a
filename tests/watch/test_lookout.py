"""What a watch makes of what all watches know."""

from datetime import UTC, datetime, timedelta
from math import inf

import pytest

from bentley_sync_async.models import ExecutionState, StorageJob, StorageRun, StorageTask
from bentley_sync_async.watch.learned import LearnedPacing
from bentley_sync_async.watch.lookout import AFTER_TOLD, TOLD, Lookout, Post, dear
from bentley_sync_async.watch.pacing import FixedPacing, Look
from bentley_sync_async.watch.pricing import CHEAPEST, DEAREST, Pricing

START = datetime(2030, 1, 1, tzinfo=UTC)
RUNNING = StorageRun(id="r", state=ExecutionState.EXECUTING, start_date_time=START)


def on_lookout(free=inf):
    return Lookout(Pricing(lambda _: free))


def next_look(post, run=RUNNING, now=0.0, cheapest=CHEAPEST):
    return post.next_look("c", run, now=now, chance=0.5, cheapest=cheapest)


def saw(post, run, *, after, now):
    post.saw(run, at=START + timedelta(seconds=after), now=now)


def test_the_past_of_a_connection_is_wanted_until_something_is_known():
    lookout = on_lookout()
    post = Post(lookout, LearnedPacing())
    before = post.wants_past("c")
    lookout.experience.listed("c", ())
    assert (before, post.wants_past("c")) == (True, False)


def test_a_pacing_that_learns_nothing_wants_no_past():
    assert not Post(on_lookout(), FixedPacing()).wants_past("c")


def test_the_past_of_the_connection_counts():
    lookout = on_lookout()
    lookout.experience.note("c", *[100.0] * 5)
    lookout.experience.note("d", *[5000.0] * 5)
    post = Post(lookout, LearnedPacing())
    of_c, of_d = (post.next_look(one, None, now=0.0, chance=0.5).durations.quantile(0.5) for one in "cd")
    assert (of_c, of_d) == (pytest.approx(100, rel=0.5), pytest.approx(5000, rel=0.5))


def test_what_the_snapshot_shows_counts():
    task = StorageTask(id="t", state=ExecutionState.COMPLETED, start_date_time=START)
    winding_up = StorageRun(
        id="r", state=ExecutionState.FINALIZING, start_date_time=START, jobs=(StorageJob(id="j", tasks=(task,)),)
    )
    post = Post(on_lookout(), LearnedPacing())
    saw(post, winding_up, after=100, now=0.0)
    medians = [next_look(post, run, now).durations.quantile(0.5) for now, run in enumerate((RUNNING, winding_up))]
    assert (medians[0] > 1000, medians[1] < 130) == (True, True)


def test_time_is_counted_from_the_start_that_the_service_names():
    post = Post(on_lookout(), FixedPacing())
    saw(post, RUNNING, after=90, now=1000.0)
    assert next_look(post, now=1010.0).elapsed == 100.0


def test_a_start_that_was_named_once_is_not_moved_by_a_clock_that_differs():
    post = Post(on_lookout(), FixedPacing())
    saw(post, RUNNING, after=90, now=1000.0)
    saw(post, RUNNING, after=500, now=1001.0)
    assert next_look(post, now=1001.0).elapsed == 91.0


def test_a_clock_that_lags_behind_makes_no_negative_time():
    post = Post(on_lookout(), FixedPacing())
    saw(post, RUNNING, after=-5, now=1000.0)
    assert next_look(post, now=1000.0).elapsed == 0.0


def test_until_the_first_look_time_is_counted_from_the_trigger():
    post = Post(on_lookout(), FixedPacing())
    post.triggered(100.0)
    assert next_look(post, None, now=160.0).elapsed == 60.0


def test_no_time_has_elapsed_of_a_run_that_has_not_started():
    post = Post(on_lookout(), FixedPacing())
    post.triggered(100.0)
    saw(post, StorageRun(id="r"), after=60, now=160.0)
    assert next_look(post, now=160.0).elapsed == 0.0


def test_watches_share_one_price():
    lookout = on_lookout(free=10.0)
    alone = next_look(Post(lookout, LearnedPacing())).price
    together = [next_look(Post(lookout, LearnedPacing())).price for _ in range(5)][-1]
    assert together > 10 * alone


def test_who_leaves_makes_looks_cheaper_for_the_others():
    lookout = on_lookout(free=10.0)
    one, other = (Post(lookout, LearnedPacing()) for _ in range(2))
    next_look(one)
    shared = next_look(other).price
    one.leave()
    assert next_look(other).price < shared / 2


def test_whoever_turns_to_another_run_reckons_and_tells_its_demand_anew():
    lookout = on_lookout(free=10.0)
    lookout.experience.note("c", *[100.0] * 5)
    post = Post(lookout, LearnedPacing())
    saw(post, RUNNING, after=10_000, now=10_000.0)
    next_look(post, now=10_000.0)
    post.expected()
    post.triggered(10_001.0)
    look = next_look(post, None, now=10_001.0)
    assert look.durations.quantile(0.5) == pytest.approx(100, rel=0.5)
    assert lookout.pricing.price(10_001.0) > CHEAPEST


def test_a_pacing_of_its_own_leaves_the_price_alone():
    lookout = on_lookout(free=0.0)
    assert (next_look(Post(lookout, FixedPacing())).price, lookout.pricing.price(0.0)) == (CHEAPEST, CHEAPEST)


def test_a_look_at_a_new_run_is_dear_as_soon_as_there_are_not_looks_for_all():
    assert [dear(next_look(Post(on_lookout(free), LearnedPacing()))) for free in (inf, 0.0)] == [False, True]


def test_where_ends_are_told_looks_are_rare():
    assert next_look(Post(on_lookout(), LearnedPacing()), cheapest=TOLD).price == TOLD == 2000.0


def test_after_an_end_that_was_told_looks_become_rarer_up_to_five_minutes():
    delays = [AFTER_TOLD.delay(Look(quiet=quiet, chance=0.0)) for quiet in (0, 1, 2, 100)]
    assert delays == [2.0, 3.0, 4.5, 300.0]


def test_where_ends_are_told_the_quota_counts_all_the_same():
    assert next_look(Post(on_lookout(free=0.0), LearnedPacing()), cheapest=TOLD).price == DEAREST


def test_a_look_is_worth_what_it_is_likely_to_show():
    post = Post(on_lookout(), LearnedPacing())
    look = next_look(post)
    post.waits(look, look.durations.quantile(0.25))
    assert post.worth() == pytest.approx(0.25)
