from datetime import UTC, datetime, timedelta
from io import StringIO

import pytest
from rich.console import Console

from bentley_sync_async import ExecutionResult, ExecutionState, SourceFile, StorageConnection, StorageRun
from bentley_sync_async.cli.output.columns import COLUMNS, Column, columns_of, id_of
from bentley_sync_async.cli.output.tables import print_card, print_table
from bentley_sync_async.models import ConnectionLinks, Link, RunErrorDetails, RunRef, TriggeredRun

GUID = "fdb67991-f6b6-4ae0-bcb2-ed309159fc7b"
PAIR = "kXm2_bb24Eq8su0wkVn8e1VZkVMuSINPg4jCAQ5pAI0"
NAMES = ["Bridge", "Platforms of the station, north and south, with their roofs", "Tower"]
CONNECTIONS = [StorageConnection(id=f"{PAIR[:-1]}{n}", display_name=name) for n, name in enumerate(NAMES)]


def screen(print_it, *args, width=80, terminal=True, **options):
    output = StringIO()
    console = Console(file=output, width=width, force_terminal=terminal, highlight=False, _environ={}, **options)
    print_it(console, *args)
    return output.getvalue()


def lines(*args, **options):
    return screen(*args, color_system=None, **options).splitlines()


@pytest.mark.parametrize("width", [50, 60, 80, 140])
def test_a_table_fits_the_terminal_and_has_whole_ids(width):
    shown = lines(print_table, CONNECTIONS, width=width)
    assert max(map(len, shown)) <= width + (width < 55) * 10
    assert [line.split()[-1] for line in shown[1:]] == [connection.id for connection in CONNECTIONS]


def test_a_name_that_does_not_fit_is_shortened():
    assert "Platforms of the st" in lines(print_table, CONNECTIONS, width=80)[2]
    assert "… " in lines(print_table, CONNECTIONS, width=80)[2]
    assert f"{NAMES[1]}  " in lines(print_table, CONNECTIONS, width=140)[2]


def test_nothing_is_shortened_in_a_pipe():
    assert f"{NAMES[1]}  {CONNECTIONS[1].id}" in lines(print_table, CONNECTIONS, width=40, terminal=False)[2]


def test_columns_without_a_value_are_left_out():
    assert lines(print_table, CONNECTIONS)[0].split() == ["NAME", "ID"]


def test_less_important_columns_are_left_out_where_there_is_no_room():
    files = [SourceFile(id=GUID, storage_file_id=PAIR, last_known_file_name="bridge.dgn")]
    assert lines(print_table, files, width=140)[0].split() == ["FILE", "STORAGE", "FILE", "ID"]
    assert lines(print_table, files, width=80)[0].split() == ["FILE", "ID"]


def test_a_long_text_in_the_last_column_goes_on_below_between_words():
    columns = [Column("Name", "name"), Column("Error", "error")]
    shown = lines(
        print_table, [{"name": "a.dgn", "error": "The file cannot be opened by the connector"}], columns, width=30
    )
    assert shown == ["NAME   ERROR", "a.dgn  The file cannot be", "       opened by the connector"]


def test_a_card_has_a_line_for_each_value_that_is_known():
    link = Link(href=f"https://api.example/storageconnections/{PAIR}/runs/{GUID}")
    connection = StorageConnection(
        id=PAIR,
        display_name="Bridge",
        imodel_id=GUID,
        links=ConnectionLinks(last_run=link),
        error=RunErrorDetails(error_key="Key", description="Text"),
    )
    assert lines(print_card, connection, [("Read on", "there")]) == [
        "Name      Bridge",
        f"iModel    {GUID}",
        f"Last run  {GUID}",
        "Error     Key: Text",
        f"Id        {PAIR}",
        "Read on   there",
    ]


def test_a_long_text_in_a_card_goes_on_below():
    connection = StorageConnection(id=PAIR, display_name="Platforms of the station")
    assert lines(print_card, connection, width=24)[:2] == ["Name  Platforms of the", "      station"]


def test_results_have_colours_and_times_are_ages():
    began = datetime.now(UTC) - timedelta(minutes=3, seconds=5)
    run = StorageRun(id=GUID, state=ExecutionState.COMPLETED, result=ExecutionResult.SUCCESS, start_date_time=began)
    shown = screen(print_table, [run], color_system="standard")
    assert "\x1b[32mSuccess\x1b[0m" in shown
    assert "3 minutes ago" in shown
    assert "(3 minutes ago)" in screen(print_card, run)


def test_a_run_that_goes_on_shows_its_state():
    assert lines(print_table, [StorageRun(id=GUID, state=ExecutionState.EXECUTING)])[1].startswith("Executing")


def test_names_cannot_control_the_terminal():
    connection = StorageConnection(id=PAIR, display_name="a\x1b[2Jb")
    assert "\x1b[2J" not in screen(print_table, [connection]) + screen(print_card, connection)


@pytest.mark.parametrize("kind", COLUMNS)
def test_every_kind_of_record_has_a_column_that_always_stays(kind):
    assert [column for column in COLUMNS[kind] if column.rank == 0 and column.listed]
    assert len({column.heading for column in COLUMNS[kind]}) == len(COLUMNS[kind])


def test_the_id_of_a_record_is_what_scripts_need():
    ref = RunRef(connection_id=PAIR, run_id=GUID)
    assert id_of(TriggeredRun(ref=ref, created=True, foreign=False)) == GUID
    assert (id_of(CONNECTIONS[0]), id_of({"file": "a", "id": "b"}), id_of({"name": "c"})) == (
        CONNECTIONS[0].id,
        "b",
        "c",
    )


@pytest.mark.parametrize(
    ("created", "foreign", "text"),
    [
        (True, False, "triggered"),
        (False, False, "active before"),
        (False, True, "active before, of another connection"),
    ],
)
def test_a_trigger_says_whose_run_it_is(created, foreign, text):
    triggered = TriggeredRun(ref=RunRef(connection_id=PAIR, run_id=GUID), created=created, foreign=foreign)
    assert columns_of(triggered)[0].value(triggered) == text
