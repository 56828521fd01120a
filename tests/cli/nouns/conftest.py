import pytest
from support.processes.shell import a_place, preloaded


@pytest.fixture(scope="module")
def forks():
    with preloaded() as process:
        yield process


@pytest.fixture(scope="module")
def place(forks, tmp_path_factory):
    """One emulator for the tests of a module: none of them may depend on what another one does."""
    with a_place(tmp_path_factory.mktemp("place"), forks) as shell:
        yield shell
