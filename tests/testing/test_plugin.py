"""The pytest plugin in separate projects, where pytest runs in its own process.

Starting such a process takes a second, so most tests here share one: it runs the module PLAIN of a user's tests below,
and each test here checks the outcome of some of those tests.
"""

import re
import subprocess
import sys

import pytest

ENABLE_PLUGIN = 'pytest_plugins = ["bentley_sync_async.testing.plugin"]\n'
PREAMBLE = """
import asyncio

import anyio
import pytest
import pytest_asyncio

from bentley_sync_async import ConnectorType, SourceFileCreate
from bentley_sync_async.emulator import FaultAction, FaultRule, FileRule

HOUR = 3600.0


def now():
    return asyncio.get_running_loop().time()


async def publish(client, connection_id):
    run = await client.watch(connection_id).result()
    return run.result.value

"""
PASSING = """
@pytest.mark.asyncio
async def test_publishing(synchronization_emulator, synchronization_client):
    assert await publish(synchronization_client, synchronization_emulator.add_connection()) == "Success"
    assert len(synchronization_emulator.runs) == 1
"""
HOURS = """
@pytest.mark.asyncio
async def test_three_hours(synchronization_emulator, synchronization_client):
    synchronization_emulator.add_file_rule(FileRule(duration=3 * HOUR))
    began = now()
    await publish(synchronization_client, synchronization_emulator.add_connection())
    assert 3 * HOUR < now() - began < 4 * HOUR
"""
REAL = """
@pytest.mark.asyncio
async def test_one_poll(synchronization_emulator, synchronization_client):
    await publish(synchronization_client, synchronization_emulator.add_connection())
    assert sum("/runs/" in request.path for request in synchronization_emulator.requests) == 1
"""
REAL_BY_MARK = REAL.replace("\n@", "\n@pytest.mark.looptime(False)\n@").replace("one_poll", "one_poll_by_mark")
IN_A_LOOP_OF_THE_MODULE = PASSING.replace("asyncio", 'asyncio(loop_scope="module")')
PLAIN = f"""
{PASSING}
{HOURS}
{HOURS.replace("asyncio", "asyncio@pytest.mark.looptime(start=5e6)", 1).replace("three_hours", "option_of_the_mark")}
{REAL_BY_MARK}
{IN_A_LOOP_OF_THE_MODULE.replace("publishing", "in_another_loop")}


@pytest.mark.asyncio
async def test_failing(synchronization_emulator, synchronization_client):
    assert await publish(synchronization_client, synchronization_emulator.add_connection()) == "PartialSuccess"


@pytest_asyncio.fixture
async def watched_for_an_hour(synchronization_emulator, synchronization_client):
    synchronization_emulator.add_file_rule(FileRule(duration=3 * HOUR))
    watcher = synchronization_client.watch(synchronization_emulator.add_connection())
    await anext(watcher)
    await asyncio.sleep(HOUR)
    yield watcher
    await asyncio.sleep(HOUR)


@pytest.mark.asyncio
async def test_following(watched_for_an_hour):
    began = now()
    assert (await watched_for_an_hour.result()).succeeded
    assert 2 * HOUR < now() - began < 3 * HOUR


@pytest.mark.asyncio
async def test_timing_out(synchronization_emulator, synchronization_client):
    async with asyncio.timeout(60):
        await publish(synchronization_client, synchronization_emulator.add_connection())


@pytest.mark.asyncio
async def test_timing_out_in_a_group(synchronization_emulator, synchronization_client):
    with anyio.fail_after(60):
        async with anyio.create_task_group() as group:
            group.start_soon(publish, synchronization_client, synchronization_emulator.add_connection())


@pytest.mark.asyncio
async def test_leaving(synchronization_emulator, synchronization_client):
    connection_id = synchronization_emulator.add_connection()
    async for event in synchronization_client.watch(connection_id):
        break
    synchronization_emulator.start_run(synchronization_emulator.add_connection())


@pytest.mark.asyncio
async def test_nothing_is_left_behind(synchronization_emulator):
    assert synchronization_emulator.runs == ()
    assert asyncio.all_tasks() == {{asyncio.current_task()}}


@pytest.mark.asyncio
async def test_leaving_a_request(synchronization_emulator, synchronization_client):
    synchronization_emulator.add_fault(FaultRule(action=FaultAction.DELAY, delay=HOUR))
    asyncio.get_running_loop().call_later(1, asyncio.current_task().cancel)
    with pytest.raises(asyncio.CancelledError):
        await publish(synchronization_client, synchronization_emulator.add_connection())
    asyncio.current_task().uncancel()


class TestOptions:
    @pytest.fixture
    def synchronization_options(self):
        return {{"per_minute": 3, "error_rate": 1.0}}

    @pytest.mark.asyncio
    async def test_options(self, synchronization_emulator, synchronization_client):
        assert await publish(synchronization_client, synchronization_emulator.add_connection()) == "Error"
        assert 429 in [request.status for request in synchronization_emulator.requests]


class TestMisspeltOption:
    @pytest.fixture
    def synchronization_options(self):
        return {{"error_rat": 1.0}}

    @pytest.mark.asyncio
    async def test_misspelt_option(self, synchronization_emulator):
        pass


@pytest.mark.asyncio
async def test_creating(synchronization_emulator, synchronization_client):
    file = SourceFileCreate(synchronization_emulator.new_storage_file_id("Bridge.dgn"), ConnectorType.MSTN)
    connection = await synchronization_client.storage_connections.create(
        synchronization_emulator.new_imodel_id(), [file]
    )
    assert await publish(synchronization_client, connection.id) == "Success"


@pytest.fixture
def anyio_backend():
    return "asyncio"

{REAL.replace("mark.asyncio", "mark.anyio").replace("one_poll", "anyio")}
""".replace("asyncio@", "asyncio\n@")
LOOPS = """
import looptime


def pytest_asyncio_loop_factories(config, item):
    return {"virtual": looptime.new_event_loop}
"""
BARE = [f"-pno:{name}" for name in ("randomly", "hypothesispytest", "pytest_cov", "xdist", "cacheprovider")]
WITHOUT_LOOPTIME = [f"-pno:looptime_{name}" for name in ("plugin", "chronometers", "timeproxies")]


class Outcome:
    """The output of pytest, and the outcome of each test."""

    def __init__(self, output):
        self.output = output
        words = re.findall(r"^\S+::(test_\w+)(?:\[\w+\])? (PASSED|FAILED|ERROR)", output, re.MULTILINE)
        self.results = {name: word.lower() for name, word in words}

    def report(self, name):
        """Return the report of a failed test or fixture."""
        return re.search(rf"^_+ .*\b{name} _+$(.*?)^[_=-]{{3}}", self.output, re.DOTALL | re.MULTILINE)[1]


@pytest.fixture(scope="session")
def run_pytest(tmp_path_factory):
    """Run pytest in a fresh project where every warning is an error, on one module of tests."""

    def run(text, *arguments, conftest=ENABLE_PLUGIN, loop="function"):
        folder = tmp_path_factory.mktemp("project")
        ini = f"[pytest]\nfilterwarnings = error\nasyncio_default_fixture_loop_scope = {loop}\n"
        for name, content in (("pytest.ini", ini), ("conftest.py", conftest), ("test_mine.py", PREAMBLE + text)):
            (folder / name).write_text(content, encoding="utf-8")
        command = [sys.executable, "-m", "pytest", "-v", *BARE, *arguments]
        program = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=60, check=False)
        return Outcome(program.stdout)

    return run


@pytest.fixture(scope="session")
def plain(run_pytest):
    return run_pytest(PLAIN)


def test_a_passing_test_passes(plain):
    assert plain.results["test_publishing"] == "passed"


def test_a_failing_test_fails_with_its_assertion(plain):
    assert plain.results["test_failing"] == "failed"
    assert "assert 'Success' == 'PartialSuccess'" in plain.report("test_failing")


def test_virtual_time_is_enabled_by_default(plain):
    assert plain.results["test_three_hours"] == "passed"


def test_the_looptime_mark_keeps_its_options(plain):
    assert plain.results["test_option_of_the_mark"] == "passed"


def test_a_mark_leaves_a_test_in_real_time(plain):
    assert plain.results["test_one_poll_by_mark"] == "passed"


def test_a_fixture_shares_the_virtual_time_of_its_test(plain):
    assert plain.results["test_following"] == "passed"


@pytest.mark.parametrize("name", ["test_timing_out", "test_timing_out_in_a_group"])
def test_a_timeout_in_a_test_fails_that_test(plain, name):
    assert plain.results[name] == "failed"
    assert re.search("^E +TimeoutError$", plain.report(name), re.MULTILINE)


def test_a_run_that_a_test_abandons_leaves_no_task_behind(plain):
    assert [plain.results[f"test_{name}"] for name in ("leaving", "nothing_is_left_behind")] == ["passed", "passed"]


def test_a_request_in_flight_does_not_delay_the_end_of_a_test(plain):
    assert plain.results["test_leaving_a_request"] == "passed"


def test_options_of_the_emulator_come_from_a_fixture(plain):
    assert plain.results["test_options"] == "passed"


def test_an_unknown_option_is_a_one_line_error(plain):
    assert plain.results["test_misspelt_option"] == "error"
    message = "synchronization_options: error_rat is not an option of the emulator; did you mean error_rate?"
    assert plain.report("test_misspelt_option").strip() == message


def test_a_test_in_another_loop_than_its_fixtures_is_refused(plain):
    assert plain.results["test_in_another_loop"] == "error"
    assert plain.report("test_in_another_loop").strip() == (
        "The test runs in the event loop of its module, but the fixtures run in that of its function, so the "
        'emulator could not answer. Set asyncio_default_fixture_loop_scope = "module", or mark the test with '
        '@pytest.mark.asyncio(loop_scope="function").'
    )


def test_the_client_creates_connections_as_the_service_application(plain):
    assert plain.results["test_creating"] == "passed"


def test_a_test_of_the_anyio_plugin_runs_in_real_time(plain):
    assert plain.results["test_anyio"] == "passed"


def test_failures_and_warnings_do_not_spread_to_other_tests(plain):
    assert re.search(r"^=+ 3 failed, 11 passed, 2 errors in ", plain.output, re.MULTILINE)


def test_the_plugin_works_from_the_command_line_with_looptime_and_auto_mode(run_pytest):
    outcome = run_pytest(
        (PASSING + HOURS).replace("@pytest.mark.asyncio", "") + REAL_BY_MARK,
        "--looptime",
        "--asyncio-mode=auto",
        "-pbentley_sync_async.testing.plugin",
        conftest="",
    )
    assert outcome.results == dict.fromkeys(["test_publishing", "test_three_hours", "test_one_poll_by_mark"], "passed")


def test_a_loop_with_virtual_time_is_left_unchanged(run_pytest):
    assert run_pytest(HOURS, conftest=ENABLE_PLUGIN + LOOPS).results == {"test_three_hours": "passed"}


@pytest.mark.parametrize("looptime", [["--no-looptime", "--asyncio-mode=auto"], WITHOUT_LOOPTIME])
def test_without_virtual_time_a_run_completes_immediately(run_pytest, looptime):
    assert run_pytest(REAL, *looptime).results == {"test_one_poll": "passed"}


def test_the_fixtures_work_in_a_loop_of_the_module(run_pytest):
    again = IN_A_LOOP_OF_THE_MODULE.replace("publishing", "again")
    outcome = run_pytest(IN_A_LOOP_OF_THE_MODULE + again, loop="module")
    assert outcome.results == {"test_publishing": "passed", "test_again": "passed"}


def test_the_fixtures_do_not_exist_unless_the_plugin_is_enabled(run_pytest):
    outcome = run_pytest(PASSING, conftest="")
    assert outcome.results == {"test_publishing": "error"}
    assert "fixture 'synchronization_emulator' not found" in outcome.output
