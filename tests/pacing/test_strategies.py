import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.quick import each

from bentley_sync_async import BackoffPacing, InvalidArgumentError
from bentley_sync_async.pacing.strategies import FixedPacing, PollContext, check_pacing

PACING = BackoffPacing()


def test_waits_grow_from_two_to_thirty_seconds_while_nothing_happens():
    schedule = [PACING.delay(PollContext(unchanged_polls=unchanged_polls, chance=0.0)) for unchanged_polls in range(8)]
    assert schedule == pytest.approx([2, 3, 4.5, 6.75, 10.125, 15.1875, 22.78125, 30])


def test_chance_takes_off_a_part_of_a_wait_and_adds_nothing():
    assert PACING.delay(PollContext(unchanged_polls=0, chance=1.0)) == pytest.approx(1.8)


@given(st.integers(0, 10**9), st.floats(0, 1))
def test_no_wait_leaves_its_bounds_however_long_it_is_quiet(unchanged_polls, chance):
    assert 1.8 <= PACING.delay(PollContext(unchanged_polls=unchanged_polls, chance=chance)) <= 30


@each("setting", [{"shortest": 0.0}, {"factor": 0.5}, {"longest": 0.0}, {"jitter": -0.1}, {"jitter": 1.1}])
def test_impossible_settings_are_refused(setting):
    with pytest.raises(ValueError, match=next(iter(setting))):
        BackoffPacing(**setting)


@each("setting", [{"shortest": 0.1}, {"factor": 1.0}, {"longest": 0.1}, {"jitter": 0.0}, {"jitter": 1.0}])
def test_settings_are_taken_up_to_their_bounds(setting):
    ((name, value),) = setting.items()
    assert getattr(BackoffPacing(**setting), name) == value


def test_settings_are_given_by_name():
    with pytest.raises(TypeError, match="positional"):
        BackoffPacing(2.0)


def test_a_fixed_pacing_polls_at_regular_intervals():
    assert [
        FixedPacing(interval=7, jitter=0).delay(PollContext(unchanged_polls=unchanged_polls, chance=1.0))
        for unchanged_polls in range(3)
    ] == [7, 7, 7]


def test_chance_takes_up_to_a_tenth_off_a_fixed_interval():
    assert FixedPacing(interval=10).delay(PollContext(chance=1.0)) == pytest.approx(9)


@each("setting", [{"interval": 0.0}, {"jitter": -0.1}, {"jitter": 1.1}])
def test_impossible_settings_of_a_fixed_pacing_are_refused(setting):
    with pytest.raises(ValueError, match=next(iter(setting))):
        FixedPacing(**setting)


def test_a_price_of_zero_is_refused():
    with pytest.raises(ValueError, match="price"):
        PollContext(chance=0.0, price=0.0)


@each("pacing", [5, "fast", FixedPacing, object()])
def test_what_is_no_pacing_is_refused_before_anything_is_sent(pacing):
    with pytest.raises(InvalidArgumentError, match="pacing must be an object with a method delay"):
        check_pacing(pacing)
