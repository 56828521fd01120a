"""Errors for options of the emulator that do not exist."""

import pytest

from bentley_sync_async import ConfigurationError
from bentley_sync_async.emulator import Emulator, Scenario


@pytest.mark.parametrize(
    ("option", "closest"), [("error_rat", "error_rate"), ("token_life", "token_lifetime"), ("Speed", "speed")]
)
def test_a_misspelt_option_is_refused_with_the_closest_one(option, closest):
    with pytest.raises(
        ConfigurationError, match=rf"^{option} is not an option of the emulator; did you mean {closest}\?$"
    ):
        Emulator(**{option: 1})


def test_an_unknown_option_is_refused_with_all_options():
    with pytest.raises(
        ConfigurationError, match=r"^xyz is not an option of the emulator; the options are seed, .*retry_rate.*\w\.$"
    ):
        Emulator(xyz=1)


def test_an_unknown_option_of_a_scenario_is_refused():
    with pytest.raises(ConfigurationError, match="sped is not an option"):
        Emulator(scenario=Scenario(options={"sped": 2}))
