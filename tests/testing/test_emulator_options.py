"""What an option of the emulator that does not exist is answered with."""

import pytest

from bentley_sync_async import ConfigurationError
from bentley_sync_async.emulator import Emulator, Scenario


@pytest.mark.parametrize(
    ("option", "meant"), [("error_rat", "error_rate"), ("token_life", "token_lifetime"), ("Speed", "speed")]
)
def test_a_misspelt_option_is_named_with_the_nearest(option, meant):
    with pytest.raises(ConfigurationError, match=rf"^{option} is no option of the emulator; did you mean {meant}\?$"):
        Emulator(**{option: 1})


def test_an_option_like_no_other_is_named_with_all_that_there_are():
    with pytest.raises(ConfigurationError, match=r"^xyz is no option of the emulator; there are seed, .*_rate\.$"):
        Emulator(xyz=1)


def test_an_option_of_a_scenario_is_refused_as_well():
    with pytest.raises(ConfigurationError, match="sped is no option"):
        Emulator(scenario=Scenario(options={"sped": 2}))
