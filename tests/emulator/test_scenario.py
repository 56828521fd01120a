"""Scenario files and options: validation, and the precedence of rules."""

import attrs
import pytest
from support.quick import each

from bentley_sync_async.emulator import (
    CATALOGUE,
    Emulator,
    FaultRule,
    FileRule,
    Options,
    RunRule,
    Settings,
    load_scenario,
    parse_scenario,
)
from bentley_sync_async.errors import ConfigurationError
from bentley_sync_async.models import ConnectorType, ExecutionResult, ExecutionState, TaskErrorCategory

GOOD = """
[emulator]
seed = 3
tier = "community"
start = 2026-01-01T00:00:00Z

[[runs]]
display_name = "Bridge*"
nth = 2
queued = 5
waiting = [10, 20.5]

[[files]]
connector_type = "DWG"
error = "SourceFileNotFound"
states = [["Queued", 1], ["Executing", 2.5]]

[[faults]]
action = "truncated_body"
path = "/runs$"
every = 3

[file_names]
t5bDFuN4qUa9ojVw1E5FGtldp8BgSbNCiJ2XMdiT-cA = "Bridge.dgn"
"""


def test_every_table_becomes_a_rule_of_its_class():
    scenario = parse_scenario(GOOD)
    assert scenario.run_rules == (RunRule(display_name="Bridge*", nth=2, queued=5, waiting=[10, 20.5]),)
    [file_rule] = scenario.file_rules
    assert file_rule.connector_type is ConnectorType.DWG
    assert file_rule.states == ((ExecutionState.QUEUED, 1.0), (ExecutionState.EXECUTING, 2.5))
    assert scenario.fault_rules == (FaultRule(action="truncated_body", path="/runs$", every=3),)
    assert scenario.file_names == {"t5bDFuN4qUa9ojVw1E5FGtldp8BgSbNCiJ2XMdiT-cA": "Bridge.dgn"}
    assert scenario.options["seed"] == 3


def test_options_override_those_of_the_scenario():
    emulator = Emulator(scenario=parse_scenario(GOOD), seed=4)
    assert (emulator.settings.seed, emulator.settings.tier) == (4, "community")


def test_an_empty_scenario_is_valid():
    assert parse_scenario("").run_rules == ()


@each(
    ("text", "message"),
    [
        ("runs = 1", r"runs must be a list of tables: \[\[runs\]\]"),
        ("emulator = 1", r"emulator must be a table, not 1"),
        ("[[run]]", r"run is not a key; the keys are emulator, runs, files, faults, file_names"),
        ("[emulator]\nsped = 2", r"emulator\.sped is not a key; the keys are seed, speed, "),
        ("[emulator]\nspeed = 0", r"emulator\.speed must be a number of more than 0, not 0"),
        ("[emulator]\nspeed = true", r"emulator\.speed must be a number"),
        ("[emulator]\nerror_rate = 2", r"emulator\.error_rate must be a number of at least 0 and at most 1, not 2"),
        ("[emulator]\nseed = 1.5", r"emulator\.seed must be a whole number, not 1\.5"),
        ("[emulator]\nconsent = 1", r"emulator\.consent must be true or false, not 1"),
        ("[emulator]\ntier = 'gold'", r"emulator\.tier must be one of community, standard, .*, not 'gold'"),
        ("[emulator]\nstart = 2026-01-01T00:00:00", r"emulator\.start must be a time with its UTC offset"),
        ("[emulator]\nclient_id = ''", r"emulator\.client_id must be a non-empty string"),
        ("[emulator]\nclient_secret = 12345", r"emulator\.client_secret must be a non-empty string$"),
        ("[emulator]\nredirect_uris = 'x'", r"emulator\.redirect_uris must be a list of non-empty strings, not 'x'"),
        ("[emulator]\nredirect_uris = ['']", r"emulator\.redirect_uris must be a list of non-empty strings"),
        (
            "[[runs]]\n[[runs]]\nqueued = -1",
            r"runs\[1\]\.queued must be seconds, or \[lowest, highest\] seconds, not -1",
        ),
        ("[[runs]]\nqueued = [2, 1]", r"runs\[0\]\.queued must be seconds"),
        ("[[runs]]\nqueued = ['a', 1]", r"runs\[0\]\.queued must be seconds"),
        ("[[runs]]\nqueued = [1]", r"runs\[0\]\.queued must be seconds"),
        ("[[runs]]\nnth = 0", r"runs\[0\]\.nth must be a whole number of at least 1, not 0"),
        (
            "[[runs]]\nresult = 'Undetermined'",
            r"runs\[0\]\.result must be one of Success, Error, .*, not 'Undetermined'",
        ),
        ("[[runs]]\nused = 1", r"runs\[0\]\.used is not a key"),
        ("[[files]]\nresult = 'Good'", r"files\[0\]\.result must be one of Success, .*, not 'Good'"),
        ("[[files]]\nresult = 1", r"files\[0\]\.result must be one of Success, .*, not 1"),
        (
            "[[files]]\nerror = 'Oops'",
            r"files\[0\]\.error must be a key of the error catalogue, such as .*, not 'Oops'",
        ),
        ("[[files]]\nstates = []", r"files\[0\]\.states must be a list of \[state, seconds\], not \[\]"),
        ("[[files]]\nstates = [['Going', 1]]", r"files\[0\]\.states must hold \[state, seconds\] with a state of Not"),
        ("[[files]]\nstates = [['Queued', -1]]", r"files\[0\]\.states must hold"),
        (
            "[[files]]\nstates = [['Finalizing', 1], ['Executing', 1]]",
            r"files\[0\]\.states: NotStarted cannot lead to Finalizing; it leads to Completed, Executing, Queued",
        ),
        (
            "[[files]]\nstates = [['Completed', 1]]",
            r"files\[0\]\.states: Completed cannot lead to Completed; it leads to nothing",
        ),
        (
            "[[runs]]\nstates = [['Executing', 1], ['Finalizing', 1]]",
            r"runs\[0\]\.states: Finalizing cannot lead to Executing; it leads to Completed",
        ),
        ("[[faults]]\naction = 'explode'", r"faults\[0\]\.action must be one of status, delay, .*, not 'explode'"),
        ("[[faults]]\npath = '('", r"faults\[0\]\.path must be a regular expression, not '\('"),
        ("[[faults]]\nheaders = {a = 1}", r"faults\[0\]\.headers must be a table of strings"),
        ("[file_names]\nx = 'a'", r"file_names\.x must be the id of a file in Storage"),
        (f"[file_names]\n{'A' * 43} = 1", r"file_names\.A{43} must be the file's name, not 1"),
    ],
)
def test_an_invalid_scenario_is_refused_with_the_key_and_the_valid_values(text, message):
    with pytest.raises(ConfigurationError, match=message):
        parse_scenario(text)


def test_an_error_in_a_file_names_the_file(tmp_path):
    path = tmp_path / "night.toml"
    path.write_text("[emulator]\nspeed = 0")
    with pytest.raises(ConfigurationError) as caught:
        Emulator(scenario=path)
    assert str(caught.value) == f"{path}: emulator.speed must be a number of more than 0, not 0."


@pytest.mark.parametrize(
    ("content", "reason"), [(b"x = ", "not TOML"), (b"\xff", "it is not UTF-8"), (None, "No such file")]
)
def test_the_error_of_an_unreadable_file_names_the_file(tmp_path, content, reason):
    path = tmp_path / "night.toml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ConfigurationError, match=f"night.toml: .*{reason}"):
        load_scenario(path)


ODD = {
    "arrays nested 50,000 deep": ("seed = 1\na = " + "[" * 50_000, r"nested too deeply \(at line 3\)"),
    "tables nested 50,000 deep": ("a = " + "{a = " * 50_000, r"nested too deeply \(at line 2\)"),
    "a number of 10,000 digits": ("seed = " + "9" * 10_000, r"a number has too many digits \(at line 2\)"),
    "a hexadecimal number of 10,000 digits": (
        "seed = 0x" + "f" * 10_000,
        r"emulator.seed must be a whole number, not that",
    ),
    "a number that is no float": ("speed = 0x" + "f" * 10_000, r"emulator.speed must be a number of more than 0"),
    "an infinite number": ("speed = inf", r"emulator.speed must be a number of more than 0, not inf"),
    "an infinite duration": ("[[runs]]\nqueued = inf", r"runs\[0\].queued must be seconds"),
    "no number": ("[[runs]]\nqueued = [0, nan]", r"runs\[0\].queued must be seconds"),
    "a regular expression that is too deep": (
        f"[[faults]]\naction = 'empty_body'\npath = '{'(' * 5000}'",
        r"faults\[0\].path must be",
    ),
    "a regular expression with a huge number": (
        f"[[faults]]\naction = 'empty_body'\npath = 'a{{{'9' * 99}}}'",
        r"faults\[0\].path must be",
    ),
    "a long key": ("k" * 1_000_000 + " = 1", r"emulator.k+ is not a key"),
    "a long value": ("speed = '" + "x" * 1_000_000 + "'", r"emulator.speed must be"),
}


@pytest.mark.parametrize("name", ODD)
def test_an_odd_file_is_refused_with_its_name_and_the_place(tmp_path, name):
    text, message = ODD[name]
    path = tmp_path / "odd.toml"
    path.write_text(f"[emulator]\n{text}", encoding="utf-8")
    with pytest.raises(ConfigurationError, match=rf"odd\.toml: {message}") as caught:
        load_scenario(path)
    assert len(str(caught.value)) < 1000


def test_a_path_that_cannot_be_is_refused():
    with pytest.raises(ConfigurationError, match="cannot be read: embedded null"):
        load_scenario("scenario\0.toml")


def test_a_scenario_from_a_file_scripts_an_emulator(tmp_path):
    path = tmp_path / "night.toml"
    path.write_text(GOOD)
    assert Emulator(scenario=str(path)).settings.seed == 3


def test_options_and_settings_have_the_same_names():
    assert list(Options.__annotations__) == [attribute.name for attribute in attrs.fields(Settings)]


def test_an_invalid_option_is_refused():
    with pytest.raises(ConfigurationError, match="page_size must be a whole number of at least 1, not 0"):
        Emulator(page_size=0)


@pytest.mark.looptime(start=0)
async def test_a_scenario_can_be_used_by_several_emulators(serving):
    scenario = parse_scenario("[[runs]]\ntimes = 1\nresult = 'TimedOut'\n[[faults]]\nnth = 1")
    for _ in range(2):
        async with serving(scenario=scenario) as api:
            connection_id = api.emulator.add_connection()
            assert (await api.trigger(connection_id)).status == 503
            assert api.emulator.start_run(connection_id).plan.result == ExecutionResult.TIMED_OUT
    assert scenario.run_rules[0].used == 0


@pytest.mark.looptime(start=0)
async def test_a_run_rule_applies_to_the_runs_that_it_selects(serving):
    async with serving() as api:
        imodel_id = api.emulator.new_imodel_id()
        connection_id = api.emulator.add_connection(imodel_id, [("Bridge.dgn", "MSTN")], display_name="Bridge")

        def result_of_run(rule):
            api.emulator.add_run_rule(rule)
            run = api.emulator._store.start_run(api.emulator._store.connections[connection_id])
            api.emulator._store.run_rules.remove(rule)
            return run.plan.result

        hits = [
            RunRule(result="Error", connection_id=connection_id),
            RunRule(result="Error", display_name="Br?dge"),
            RunRule(result="Error", imodel_id=imodel_id.upper()),
            RunRule(result="Error", nth=4),
        ]
        misses = [
            RunRule(result="Error", connection_id="other"),
            RunRule(result="Error", display_name="Road"),
            RunRule(result="Error", imodel_id=api.emulator.new_imodel_id()),
            RunRule(result="Error", nth=4),
        ]
        assert [result_of_run(rule) for rule in hits] == ["Error"] * 4
        assert [result_of_run(rule) for rule in misses] == ["Success"] * 4


@pytest.mark.looptime(start=0)
async def test_a_rule_with_times_1_applies_once(serving):
    async with serving() as api:
        rule = api.emulator.add_file_rule(FileRule(times=1, result="Skipped"))
        runs = [api.emulator.start_run(api.emulator.add_connection()) for _ in range(2)]
        assert [run.plan.result for run in runs] == ["Skipped", "Success"]
        assert rule.used == 1


@pytest.mark.looptime(start=0)
async def test_run_rules_are_merged_with_precedence_for_the_latest(serving):
    async with serving() as api:
        api.emulator.add_run_rule(RunRule(result="Error", error="OutOfMemory"))
        api.emulator.add_run_rule(RunRule(result="TimedOut"))
        plan = api.emulator.start_run(api.emulator.add_connection()).plan
        assert (plan.result, plan.error) == ("TimedOut", "OutOfMemory")


@pytest.mark.looptime(start=0)
async def test_file_rules_are_merged_with_precedence_for_the_latest(serving):
    async with serving() as api:
        api.emulator.add_file_rule(FileRule(error="ZeroByte", retries=3))
        api.emulator.add_file_rule(FileRule(error="OutOfMemory"))
        [job] = api.emulator.start_run(api.emulator.add_connection()).plan.jobs
        [task] = job.tasks
        assert task.error.key == "OutOfMemory"
        assert task.timeline.retries(task.timeline.ended) == 3


def test_the_catalogue_has_all_published_keys():
    assert len(CATALOGUE) == 97
    assert CATALOGUE["SourceFileNotFound"].can_user_fix
    assert CATALOGUE["ZeroByte"].kb_article_link == ""
    assert all(TaskErrorCategory(entry.category).known for entry in CATALOGUE.values())
