"""The pytest plugin, seen from a project of a user: each test writes one and runs pytest on it in a new process."""

import pytest

pytest_plugins = ["pytester"]

OPTING_IN = 'pytest_plugins = ["bentley_sync_async.testing.plugin"]\n'
PREAMBLE = """
import asyncio

import anyio
import pytest
import pytest_asyncio

from bentley_sync_async.emulator import FileRule

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
async def test_publishing_takes_three_hours(synchronization_emulator, synchronization_client):
    synchronization_emulator.add_file_rule(FileRule(duration=3 * HOUR))
    began = now()
    await publish(synchronization_client, synchronization_emulator.add_connection())
    assert 3 * HOUR < now() - began < 4 * HOUR
"""
REAL = """
@pytest.mark.asyncio
async def test_publishing_takes_one_look(synchronization_emulator, synchronization_client):
    await publish(synchronization_client, synchronization_emulator.add_connection())
    assert sum("/runs/" in request.path for request in synchronization_emulator.requests) == 1
"""
BARE = [f"-pno:{name}" for name in ("randomly", "hypothesispytest", "pytest_cov", "xdist", "cacheprovider")]
WITHOUT_LOOPTIME = [f"-pno:looptime_{name}" for name in ("plugin", "chronometers", "timeproxies")]


@pytest.fixture
def project(pytester):
    """Run pytest on a test module in a fresh project where every warning is an error."""

    def run(text, *arguments, opting_in=OPTING_IN, ini=""):
        pytester.makeini(f"[pytest]\nfilterwarnings = error\nasyncio_default_fixture_loop_scope = function\n{ini}")
        pytester.makeconftest(opting_in)
        pytester.makepyfile(PREAMBLE + text)
        return pytester.runpytest_subprocess(*BARE, *arguments, timeout=60)

    return run


def test_a_passing_test_passes(project):
    project(PASSING).assert_outcomes(passed=1)


def test_in_auto_mode_a_test_needs_no_mark(project):
    project(PASSING.replace("@pytest.mark.asyncio", ""), "--asyncio-mode=auto").assert_outcomes(passed=1)


def test_a_failing_test_fails_and_says_why(project):
    result = project(PASSING.replace('"Success"', '"PartialSuccess"'))
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["E*assert 'Success' == 'PartialSuccess'"])


@pytest.mark.parametrize("looptime", [[], ["--looptime", "--asyncio-mode=auto"]])
def test_hours_of_a_run_pass_in_virtual_time_without_being_asked_for(project, looptime):
    project(HOURS, *looptime).assert_outcomes(passed=1)


def test_a_loop_that_is_virtual_already_is_left_as_it_is(project):
    loops = """
import looptime


def pytest_asyncio_loop_factories(config, item):
    return {"virtual": looptime.new_event_loop}
"""
    project(HOURS, opting_in=OPTING_IN + loops).assert_outcomes(passed=1)


def test_options_of_the_mark_of_virtual_time_are_heeded(project):
    project(HOURS.replace("asyncio\n", "asyncio\n@pytest.mark.looptime(start=5e6)\n", 1)).assert_outcomes(passed=1)


@pytest.mark.parametrize("looptime", [["--no-looptime", "--asyncio-mode=auto"], WITHOUT_LOOPTIME])
def test_without_virtual_time_a_run_is_over_at_once(project, looptime):
    project(REAL, *looptime).assert_outcomes(passed=1)


@pytest.mark.parametrize("looptime", [[], ["--looptime"]])
def test_a_mark_leaves_a_test_in_real_time(project, looptime):
    project("pytestmark = pytest.mark.looptime(False)\n" + REAL, *looptime).assert_outcomes(passed=1)


def test_a_fixture_shares_the_virtual_time_of_its_test(project):
    result = project("""
@pytest_asyncio.fixture
async def under_way_for_an_hour(synchronization_emulator, synchronization_client):
    synchronization_emulator.add_file_rule(FileRule(duration=3 * HOUR))
    watcher = synchronization_client.watch(synchronization_emulator.add_connection())
    await anext(watcher)
    await asyncio.sleep(HOUR)
    yield watcher
    await asyncio.sleep(HOUR)


@pytest.mark.asyncio
async def test_following(under_way_for_an_hour):
    began = now()
    assert (await under_way_for_an_hour.result()).succeeded
    assert 2 * HOUR < now() - began < 3 * HOUR
""")
    result.assert_outcomes(passed=1)


def test_a_timeout_in_a_test_fails_that_test_and_nothing_else(project):
    result = project(f"""
@pytest.mark.asyncio
async def test_timing_out(synchronization_emulator, synchronization_client):
    async with asyncio.timeout(60):
        await publish(synchronization_client, synchronization_emulator.add_connection())


@pytest.mark.asyncio
async def test_timing_out_in_a_group(synchronization_emulator, synchronization_client):
    with anyio.fail_after(60):
        async with anyio.create_task_group() as group:
            group.start_soon(publish, synchronization_client, synchronization_emulator.add_connection())

{PASSING}
""")
    result.assert_outcomes(passed=1, failed=2)
    result.stdout.fnmatch_lines(
        ["* test_timing_out *", "E*TimeoutError", "* test_timing_out_in_a_group *", "E*TimeoutError"]
    )


def test_a_run_that_nobody_waits_for_leaves_nothing_behind(project):
    result = project("""
@pytest.mark.asyncio
async def test_leaving(synchronization_emulator, synchronization_client):
    connection_id = synchronization_emulator.add_connection()
    async for event in synchronization_client.watch(connection_id):
        break
    synchronization_emulator.start_run(synchronization_emulator.add_connection())


@pytest.mark.asyncio
async def test_no_run_is_there_afterwards(synchronization_emulator):
    assert synchronization_emulator.runs == ()
    assert asyncio.all_tasks() == {asyncio.current_task()}
""")
    result.assert_outcomes(passed=2)


def test_a_request_that_is_under_way_does_not_hold_up_the_end_of_a_test(project):
    result = project("""
from bentley_sync_async.emulator import FaultAction, FaultRule


@pytest.mark.asyncio
async def test_leaving(synchronization_emulator, synchronization_client):
    synchronization_emulator.add_fault(FaultRule(action=FaultAction.DELAY, delay=HOUR))
    asyncio.get_running_loop().call_later(1, asyncio.current_task().cancel)
    with pytest.raises(asyncio.CancelledError):
        await publish(synchronization_client, synchronization_emulator.add_connection())
    asyncio.current_task().uncancel()
""")
    result.assert_outcomes(passed=1)


def test_options_of_the_emulator_come_from_a_fixture(project):
    result = project("""
@pytest.fixture
def synchronization_options():
    return {"per_minute": 3, "error_rate": 1.0}


@pytest.mark.asyncio
async def test_publishing(synchronization_emulator, synchronization_client):
    assert await publish(synchronization_client, synchronization_emulator.add_connection()) == "Error"
    assert 429 in [request.status for request in synchronization_emulator.requests]
""")
    result.assert_outcomes(passed=1)


def test_the_client_makes_connections_as_its_service_application(project):
    result = project("""
from bentley_sync_async import ConnectorType, SourceFileCreate


@pytest.mark.asyncio
async def test_creating(synchronization_emulator, synchronization_client):
    file = SourceFileCreate(synchronization_emulator.new_storage_file_id("Bridge.dgn"), ConnectorType.MSTN)
    connection = await synchronization_client.storage_connections.create(
        synchronization_emulator.new_imodel_id(), [file]
    )
    assert await publish(synchronization_client, connection.id) == "Success"
""")
    result.assert_outcomes(passed=1)


def test_the_fixtures_work_in_the_loop_of_a_module(project):
    marked = PASSING.replace("asyncio\n", 'asyncio(loop_scope="module")\n', 1)
    twice = marked + marked.replace("test_publishing", "test_publishing_again")
    project(twice, "-oasyncio_default_fixture_loop_scope=module").assert_outcomes(passed=2)


def test_a_test_of_the_anyio_plugin_runs_in_real_time(project):
    backend = "@pytest.fixture\ndef anyio_backend():\n    return 'asyncio'\n"
    project(backend + REAL.replace("mark.asyncio", "mark.anyio")).assert_outcomes(passed=1)


def test_the_plugin_can_be_named_on_the_command_line(project):
    project(PASSING, "-pbentley_sync_async.testing.plugin", opting_in="").assert_outcomes(passed=1)


def test_nobody_gets_the_fixtures_without_opting_in(project):
    result = project(PASSING, opting_in="")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*fixture 'synchronization_emulator' not found"])
