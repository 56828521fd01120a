"""What the benchmark compares is comparable: the bodies, the peers' decoding, and whose turn it is."""

import asyncio
from datetime import UTC, datetime
from itertools import pairwise

import pytest

from benchmarks.canned import MARK, SIZES, changing, numbered, steady
from benchmarks.decoding import by_cattrs, ours
from benchmarks.turns import Turns
from bentley_sync_async import RunRef, TaskStateChanged, diff

REF = RunRef(connection_id="c", run_id="r")
AT = datetime(2026, 1, 1, tzinfo=UTC)
NAMES = ["first", "second", "third"]


def runs(bodies):
    return [ours()(numbered(body, 1)) for body in bodies]


@pytest.mark.parametrize("size", SIZES)
def test_one_task_changes_from_each_body_to_the_next(size):
    around = [*changing(size), changing(size)[0]]
    changes = [diff(last, now, ref=REF, at=AT) for last, now in pairwise(runs(around))]
    if size == "1x1":  # its first task is its last as well
        assert all(len(change) <= 1 for change in changes)
    else:
        assert [[type(event) for event in change] for change in changes] == [[TaskStateChanged]] * 4


@pytest.mark.parametrize(("size", "least", "most"), [("4x10", 16_000, 18_000), ("20x50", 400_000, 416_000)])
def test_bodies_are_as_large_as_the_table_says(size, least, most):
    assert least < len(steady(size)[0]) < most


def test_two_runs_share_no_id():
    one, other = (ours()(numbered(steady("4x10")[0], number)) for number in (1, 2))
    ids = [{run.id, *(job.id for job in run.jobs), *(task.id for task in run.tasks)} for run in (one, other)]
    assert not ids[0] & ids[1]


def test_every_number_is_filled_in():
    assert MARK not in numbered(steady("20x50")[0], 7)


@pytest.mark.parametrize("size", SIZES)
def test_json_and_cattrs_decode_a_run_to_the_same_models(size):
    body = numbered(steady(size)[0], 1)
    assert by_cattrs()(body) == ours()(body)


def begun():
    return Turns(NAMES, seconds=10.0, pause=0.1, begins=asyncio.get_running_loop().time())


async def test_whose_turn_it_is_pauses_only_for_a_moment():
    assert begun().wait("first") == pytest.approx(0.1, abs=0.05)


@pytest.mark.parametrize(("name", "seconds"), [("second", 10), ("third", 20)])
async def test_the_others_sleep_until_their_own_turn(name, seconds):
    assert begun().wait(name) == pytest.approx(seconds, abs=0.01)


async def test_no_poll_begins_at_the_end_of_a_turn():
    turns = begun()
    await asyncio.sleep(9.5)
    assert turns.wait("first") == pytest.approx(40.5, abs=0.01)


async def test_everybody_is_first_in_some_round():
    turns = begun()
    assert [turns.whose(turn) for turn in range(0, 9, 3)] == NAMES


async def test_a_turn_is_over_before_the_next_begins():
    turns = begun()
    await turns.over(0)
    assert turns.wait("first") == pytest.approx(40.2, abs=0.01)


async def test_polls_are_counted_for_each():
    turns = begun()
    for name in ("first", "first", "second"):
        turns.wait(name)
    assert (turns.polls["first"], turns.polls["second"]) == (2, 1)
