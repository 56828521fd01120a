"""The journal's notes, the file below it, and everything that can be wrong with that file."""

import math
import os
import resource
import signal
import sqlite3
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import anyio
import pytest
from attrs import evolve
from support.watch import emulated

from bentley_sync_async import InvalidArgumentError, JournalError, JournalInUseError
from bentley_sync_async.bulk import ConnectionProgressed, Outcome, OutcomeStatus
from bentley_sync_async.bulk.journal.base import IModelOfConnection, JournalEntry
from bentley_sync_async.bulk.journal.sqlite import CONTINUED_WITHIN, MIGRATIONS, SQLiteJournal
from bentley_sync_async.bulk.journal.sqlite_file import JournalFile
from bentley_sync_async.models import RunRef
from bentley_sync_async.watch.resume_state import ResumeState
from bentley_sync_async.wire.codec import encode

AT = datetime(2026, 11, 22, 12, tzinfo=UTC)
ORIGIN = "https://api.example"
DONE = Outcome(connection_id="a", status=OutcomeStatus.SUCCEEDED, attempts=1, waited=1.5)


def token_of(connection_id="a", *, of="a", origin=ORIGIN, kind="storage", when_busy="wait"):
    """The resume token of a connection's watch, which follows a run of a connection."""
    return ResumeState(
        origin=origin,
        connection_id=connection_id,
        run=(kind, of, "r"),
        seq=1,
        timeout=None,
        ends_at=None,
        attempted_at=None,
        when_active="join",
        when_busy=when_busy,
        unknown_values=[],
        fingerprint=None,
        unreported_completions=[],
        grace_ends=None,
        blocking_run=None,
        blocking_fingerprint=None,
    ).token()


NOTE = JournalEntry(attempt=1, token=token_of(), joined=True)
OF_B = JournalEntry(attempt=1, token=token_of("b", of="b"), joined=True)


class Clock:
    """Seconds since 1970, as a test wants them."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


def journal_at(path: Path | str, *, origin: str = ORIGIN, clock: Clock | None = None) -> SQLiteJournal:
    return SQLiteJournal(path, origin=origin, now=clock or Clock())


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "nightly.db"


async def made(path: Path, ids: list[str] | None = None) -> None:
    """A journal with a bulk that was left."""
    async with journal_at(path) as journal:
        await journal.begin(ids or ["a", "b"])
        await journal.record("a", NOTE)


async def error_of_opening(path: Path | str) -> str:
    with pytest.raises(JournalError) as caught:
        async with journal_at(path):
            pass
    return str(caught.value)


# What is noted.


async def test_a_new_bulk_has_nothing_noted(path):
    async with journal_at(path) as journal:
        assert await journal.begin(["a", "b"]) == {"a": JournalEntry(), "b": JournalEntry()}


async def test_what_was_noted_is_there_when_the_file_is_opened_again(path):
    async with journal_at(path) as journal:
        await journal.begin(["a", "b", "c"])
        await journal.record("a", NOTE)
        await journal.record("b", OF_B)
        await journal.finish("b", evolve(DONE, connection_id="b"))
    async with journal_at(path) as journal:
        assert await journal.begin(["a", "b", "c"]) == {
            "a": NOTE,
            "b": JournalEntry(attempt=1, joined=True, outcome=evolve(DONE, connection_id="b")),
            "c": JournalEntry(),
        }


async def test_connections_that_are_new_to_an_unfinished_bulk_are_added(path):
    await made(path)
    async with journal_at(path) as journal:
        assert await journal.begin(["new", "a"]) == {"new": JournalEntry(), "a": NOTE}


async def test_an_unfinished_bulk_can_be_read_without_going_on_with_it(path):
    await made(path)
    async with journal_at(path) as journal:
        assert await journal.unfinished() == {"a": NOTE, "b": JournalEntry()}


async def test_a_bulk_that_was_ended_is_not_gone_on_with(path):
    async with journal_at(path) as journal:
        await journal.begin(["a"])
        await journal.finish("a", DONE)
        await journal.end()
    async with journal_at(path) as journal:
        assert (await journal.unfinished(), await journal.begin(["a"])) == ({}, {"a": JournalEntry()})


@pytest.mark.parametrize(("age", "noted"), [(CONTINUED_WITHIN - 1, NOTE), (CONTINUED_WITHIN, JournalEntry())])
async def test_a_bulk_is_gone_on_with_for_twelve_hours(path, age, noted):
    clock = Clock()
    async with journal_at(path, clock=clock) as journal:
        await journal.begin(["a"])
        await journal.record("a", NOTE)
    clock.now += age
    async with journal_at(path, clock=clock) as journal:
        assert await journal.begin(["a"]) == {"a": noted}


async def test_each_note_keeps_a_bulk_young(path):
    clock = Clock()
    async with journal_at(path, clock=clock) as journal:
        await journal.begin(["a"])
        clock.now += CONTINUED_WITHIN
        await journal.record("a", NOTE)
    clock.now += CONTINUED_WITHIN - 1
    async with journal_at(path, clock=clock) as journal:
        assert await journal.begin(["a"]) == {"a": NOTE}


async def test_another_origin_begins_a_bulk_of_its_own(path):
    await made(path)
    async with journal_at(path, origin="https://qa-api.example") as journal:
        assert await journal.begin(["a"]) == {"a": JournalEntry()}


async def test_another_origins_bulk_is_kept(path):
    await made(path)
    async with journal_at(path, origin="https://qa-api.example") as journal:
        await journal.begin(["a"])
    async with journal_at(path) as journal:
        assert await journal.begin(["a"]) == {"a": NOTE}


async def test_bulks_that_are_not_continued_are_deleted(path):
    clock = Clock()
    for _ in range(3):
        async with journal_at(path, clock=clock) as journal:
            await journal.begin(["a", "b"])
        clock.now += CONTINUED_WITHIN
    with closing(sqlite3.connect(path)) as db:
        assert db.execute("SELECT (SELECT count(*) FROM bulks), (SELECT count(*) FROM items)").fetchone() == (1, 2)


async def test_a_bulk_that_was_ended_is_forgotten_by_the_next(path):
    async with journal_at(path) as journal:
        await journal.begin(["a"])
        await journal.end()
        await journal.begin(["a"])
    with closing(sqlite3.connect(path)) as db:
        assert db.execute("SELECT count(*) FROM bulks").fetchone() == (1,)


PLACE = IModelOfConnection(imodel_id="i", itwin_id="t")


async def test_where_connections_belong_and_how_long_they_take_is_remembered_beyond_a_bulk(path):
    await made(path)
    async with journal_at(path) as journal:
        await journal.save_resolved({"a": PLACE, "b": IModelOfConnection(imodel_id="j")}, {"a": [1.0, 2.0]})
        await journal.begin(["a"])
        await journal.end()
    async with journal_at(path) as journal:
        assert await journal.imodels(["a", "b", "unknown"]) == {"a": PLACE, "b": IModelOfConnection(imodel_id="j")}
        assert await journal.durations(["a", "b"]) == {"a": [1.0, 2.0]}


async def test_what_another_origin_has_learned_is_not_used(path):
    async with journal_at(path) as journal:
        await journal.save_resolved({"a": PLACE}, {"a": [1.0]})
    async with journal_at(path, origin="https://qa-api.example") as journal:
        assert (await journal.imodels(["a"]), await journal.durations(["a"])) == ({}, {})


async def test_a_finished_run_is_learned_from_and_the_latest_eight_are_kept(path):
    async with journal_at(path) as journal:
        await journal.begin(["a", "b"])
        await journal.save_resolved({}, {"a": [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0], "b": [9.0]})
        for seconds in (8, 9):
            await journal.finish("a", evolve(DONE, began_at=AT, ended_at=AT + timedelta(seconds=seconds)))
        assert await journal.durations(["a", "b"]) == {"a": [2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0], "b": [9.0]}


# What was edited by hand.


def edited(path: Path, sql: str, *values: object) -> None:
    with closing(sqlite3.connect(path)) as db:
        db.execute(sql, values)
        db.commit()


def contents(path: Path) -> list[str]:
    with closing(sqlite3.connect(path)) as db:
        return [line for line in db.iterdump() if '"owner"' not in line]


def outcome_of(connection_id="a", **changes):
    return encode(evolve(DONE, connection_id=connection_id, **changes))


async def full(path: Path) -> None:
    """A journal with something in each table."""
    async with journal_at(path) as journal:
        await journal.save_resolved({"a": PLACE}, {"a": [1.0]})
    await made(path)


EDITS = [
    ("items", "attempt", "x", "attempt must be a whole number from 0 to 1,000,000, not 'x'."),
    ("items", "attempt", b"1", "attempt must be"),
    ("items", "attempt", 1.5, "attempt must be"),
    ("items", "attempt", -1, "attempt must be"),
    ("items", "attempt", 2**62, "attempt must be"),
    ("items", "attempt", 0, "was started, and is not finished"),
    ("items", "joined", 2, "joined must be 0 or 1, not 2."),
    ("items", "joined", "yes", "joined must be 0 or 1"),
    ("items", "token", "", "is not a resume token"),
    ("items", "token", b"bsr1.x", "is not a resume token"),
    ("items", "token", "bsr1.x", "is damaged"),
    ("items", "token", "bsr9.x", "later version of this package"),
    ("items", "token", token_of("b", of="b"), "belongs to connection b."),
    ("items", "token", token_of("a", of="b"), "of another connection."),
    ("items", "token", token_of(kind="manifest"), "of another connection."),
    ("items", "token", token_of(when_busy="join"), "is not of a bulk."),
    ("items", "token", token_of(origin="https://else.example"), "belongs to https://else.example"),
    ("items", "outcome", outcome_of(), "was started, and is not finished"),
    ("items", "connection_id", b"a", "connection_id must be a string, not bytes."),
    ("items", "connection_id", "", "connection_id is empty."),
    ("places", "connection_id", b"a", "connection_id must be a string"),
    ("places", "imodel_id", b"i", "imodel_id must be a text, not b'i'."),
    ("places", "itwin_id", b"t", "itwin_id must be a text"),
    ("durations", "connection_id", b"a", "connection_id must be a string"),
    ("durations", "seconds", "long", "seconds must be a number of seconds from 0, not 'long'."),
    ("durations", "seconds", math.inf, "seconds must be"),
    ("durations", "seconds", -1.0, "seconds must be"),
    ("bulks", "origin", b"https://api.example", "origin must be a text"),
    ("bulks", "begun_at", "today", "begun_at must be"),
    ("bulks", "touched_at", "today", "touched_at must be"),
    ("bulks", "ended_at", "today", "ended_at must be"),
]


@pytest.mark.parametrize(("table", "column", "value", "said"), EDITS)
async def test_a_row_that_was_edited_is_an_error_that_names_file_and_row_and_it_stays_as_it_is(
    path, table, column, value, said
):
    await full(path)
    where = " WHERE connection_id = 'a'" if table == "items" else ""
    edited(path, f"UPDATE {table} SET {column} = ?{where}", value)
    before = contents(path)
    async with journal_at(path) as journal:
        read = {"places": journal.imodels, "durations": journal.durations}.get(table, journal.begin)
        with pytest.raises(JournalError) as caught:
            await read(["a", "b"])
    text = str(caught.value)
    assert f"The journal {path} was edited or is damaged, in row " in text
    assert f" of its table {table}: " in text
    assert said in text
    assert contents(path) == before


@pytest.mark.parametrize(
    "outcome",
    [
        b"not JSON",
        b'{"connectionId": "a"}',
        b'{"status": "failed"}',
        b'{"connectionId": "a", "status": "x"}',
        outcome_of().decode(),
        7,
        outcome_of("b"),
        outcome_of(None),
        outcome_of(ref=RunRef(connection_id="b", run_id="r")),
        outcome_of(ref=RunRef(connection_id="a", run_id="")),
        outcome_of(ref=RunRef(connection_id="a", run_id="r", kind="other")),
        outcome_of(attempts=-1),
        outcome_of(requests=10**9),
        outcome_of(waited=-1.0),
    ],
)
async def test_an_outcome_that_was_edited_is_an_error_that_names_the_row(path, outcome):
    await made(path)
    edited(path, "UPDATE items SET outcome = ?, token = NULL WHERE connection_id = 'a'", outcome)
    async with journal_at(path) as journal:
        with pytest.raises(
            JournalError, match=r"nightly\.db was edited or is damaged, in row 'a' of its table items: "
        ):
            await journal.unfinished()


@pytest.mark.parametrize("waited", [1.5, None])
async def test_an_outcome_with_all_it_can_have_is_read(path, waited):
    await made(path)
    ref = RunRef(connection_id="a", run_id="r")
    done = evolve(DONE, ref=ref, began_at=AT, ended_at=AT, waited=waited, requests=3)
    async with journal_at(path) as journal:
        await journal.begin(["a"])
        await journal.finish("a", done)
        assert (await journal.unfinished())["a"].outcome == done


async def test_a_token_without_a_run_is_read(path):
    state = evolve(ResumeState.from_token(token_of(), origin=ORIGIN), run=None)
    note = evolve(NOTE, token=state.token())
    async with journal_at(path) as journal:
        await journal.begin(["a"])
        await journal.record("a", note)
        assert await journal.unfinished() == {"a": note}


@pytest.mark.parametrize("sql", ["DROP TABLE items", "ALTER TABLE items DROP COLUMN token", "PRAGMA user_version = -1"])
async def test_a_table_that_was_edited_is_an_error_that_names_the_file(path, sql):
    await made(path)
    edited(path, sql)
    with pytest.raises(JournalError, match=r"nightly\.db (cannot be used: no such|is damaged \(version -1\))"):
        async with journal_at(path) as journal:
            await journal.begin(["a"])


async def test_text_that_is_no_utf_8_is_an_error_that_names_the_file(path):
    await made(path)
    edited(path, "UPDATE items SET token = CAST(x'ff' AS TEXT)")
    async with journal_at(path) as journal:
        with pytest.raises(JournalError, match=r"nightly\.db cannot be used: Could not decode to UTF-8 column 'token'"):
            await journal.begin(["a"])


async def test_a_bulk_ends_before_anything_is_sent_if_its_journal_was_edited(tmp_path):
    path = tmp_path / "nightly.db"
    async with emulated() as (emulator, client):
        connections = [emulator.add_connection() for _ in range(2)]
        async with SQLiteJournal(path, origin=emulator.url) as journal:
            await journal.begin(connections)
            for one in connections:
                token = token_of(connections[0], of=connections[0], origin=emulator.url)  # of the first, for both
                await journal.record(one, JournalEntry(attempt=1, token=token))
        with pytest.raises(JournalError, match=f"row '{connections[1]}' of its table items: Its resume token belongs"):
            async with client.run_many(connections, journal=path) as bulk:
                await bulk.result()
        assert emulator.requests == []


# How it is written.


async def test_every_note_is_flushed_to_the_disk_before_the_bulk_goes_on(path):
    async with JournalFile(path, migrations=MIGRATIONS) as file:
        settings = [await file.read(f"PRAGMA {name}") for name in ("journal_mode", "synchronous")]
    assert settings == [[("wal",)], [(2,)]]


async def test_changes_that_wait_for_each_other_are_made_in_one_transaction(path):
    commits: list[str] = []
    async with JournalFile(path, migrations=["CREATE TABLE t (x)"]) as file:
        await file.write(lambda db: db.set_trace_callback(lambda sql: commits.append(sql) if sql == "COMMIT" else None))
        commits.clear()
        async with anyio.create_task_group() as group:
            for number in range(50):
                group.start_soon(
                    file.write, lambda db, number=number: db.execute("INSERT INTO t VALUES (?)", (number,))
                )
        rows = await file.read("SELECT x FROM t ORDER BY x")
    assert (rows, len(commits) <= 2) == ([(number,) for number in range(50)], True)


async def test_each_change_returns_its_own_result(path):
    results: dict[int, int] = {}
    async with JournalFile(path, migrations=["CREATE TABLE t (x)"]) as file:

        async def write(number: int) -> None:
            results[number] = await file.write(lambda db: number * 2)

        async with anyio.create_task_group() as group:
            for number in range(5):
                group.start_soon(write, number)
    assert results == {0: 0, 1: 2, 2: 4, 3: 6, 4: 8}


async def test_a_change_that_was_begun_is_finished_though_its_caller_is_cancelled(path):
    async with journal_at(path) as journal:
        await journal.begin(["a"])
        async with anyio.create_task_group() as group:

            def cancelling(db: sqlite3.Connection) -> None:
                anyio.from_thread.run_sync(group.cancel_scope.cancel)
                db.execute("UPDATE items SET attempt = 9")

            group.start_soon(journal._file.write, cancelling)
        assert (await journal.begin(["a"]))["a"].attempt == 9


async def test_a_file_can_be_opened_again_by_the_same_journal(path):
    journal = journal_at(path)
    async with journal:
        await journal.begin(["a"])
    async with journal:
        assert await journal.unfinished() == {"a": JournalEntry()}


async def test_a_cancelled_change_is_not_made_when_the_file_is_opened_again(path):
    file = JournalFile(path, migrations=["CREATE TABLE t (x)"])
    begun, left = anyio.Event(), threading.Event()

    def slow(_: sqlite3.Connection) -> None:
        anyio.from_thread.run_sync(begun.set)
        assert left.wait(timeout=60)

    async with file, anyio.create_task_group() as group:
        group.start_soon(file.write, slow)
        await begun.wait()
        group.start_soon(file.write, lambda db: db.execute("INSERT INTO t VALUES (1)"))
        await anyio.wait_all_tasks_blocked()
        group.cancel_scope.cancel()
        left.set()
    async with file:
        await file.write(lambda db: db.execute("INSERT INTO t VALUES (2)"))
        assert await file.read("SELECT x FROM t") == [(2,)]


async def test_nothing_is_left_beside_a_closed_file(path):
    await made(path)
    assert list(path.parent.iterdir()) == [path]


# The disk.


@pytest.mark.parametrize("pages", [0, 1])
async def test_a_full_disk_is_an_error_before_anything_is_noted(path, pages, monkeypatch):
    await made(path)
    connect = sqlite3.connect

    def cramped(*args, **kwargs):
        db = connect(*args, **kwargs)
        if args[0] == path:
            (used,) = db.execute("PRAGMA page_count").fetchone()
            db.execute(f"PRAGMA max_page_count = {used + pages}")
        return db

    monkeypatch.setattr(sqlite3, "connect", cramped)
    async with journal_at(path) as journal:
        with pytest.raises(JournalError, match=r"disk is full\. Make room on its disk, then start again"):
            await journal.begin([f"connection {number:0100}" for number in range(1000)])


async def test_a_disk_that_becomes_full_leaves_what_was_noted(path):
    async with journal_at(path) as journal:
        ids = [f"c{number}" for number in range(200)]
        await journal.begin(ids)
        (used,) = (await journal._file.read("PRAGMA page_count"))[0]
        await journal._file.read(f"PRAGMA max_page_count = {used + 3}")
        noted: list[str] = []

        async def note_all() -> None:
            for one in ids:
                await journal.record(one, JournalEntry(attempt=1, token=token_of(one, of=one)))
                noted.append(one)

        with pytest.raises(JournalError, match="disk is full"):
            await note_all()
    async with journal_at(path) as journal:
        found = await journal.unfinished()
    assert 0 < len(noted) < len(ids)
    assert [one for one in ids if found[one].token is not None] == noted


async def test_every_change_of_a_failed_transaction_raises(path):
    async with JournalFile(path, migrations=["CREATE TABLE t (x)"]) as file:
        failed: list[int] = []

        async def write(number: int) -> None:
            try:
                await file.write(
                    lambda db: db.execute("INSERT INTO t VALUES (?)" if number != 3 else "nonsense", (number,))
                )
            except JournalError:
                failed.append(number)

        async with anyio.create_task_group() as group:
            for number in range(6):
                group.start_soon(write, number)
        rows = [number for (number,) in await file.read("SELECT x FROM t")]
    assert sorted(rows + failed) == list(range(6))


async def test_a_quota_on_the_size_of_files_is_an_error_before_anything_is_noted(path):
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, limits[1]))
    try:
        text = await error_of_opening(path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert "Check its disk, and quotas on it" in text


async def test_a_journal_can_be_used_again_once_there_is_room(path):
    await test_a_quota_on_the_size_of_files_is_an_error_before_anything_is_noted(path)
    async with journal_at(path) as journal:
        assert await journal.begin(["a"]) == {"a": JournalEntry()}


# The file.


@contextmanager
def as_nobody() -> Iterator[None]:
    """Without the privileges of root, who may write to everything."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.fixture
def open_to_all() -> Iterator[Path]:
    """A directory that anybody can reach and write to; pytest's own belong to one user."""
    with TemporaryDirectory() as name:
        directory = Path(name)
        directory.chmod(0o777)
        yield directory
        directory.chmod(0o777)


async def test_a_file_that_may_not_be_written_is_an_error(open_to_all):
    path = open_to_all / "nightly.db"
    with as_nobody():
        await made(path)
        path.chmod(0o444)
        text = await error_of_opening(path)
    assert "may only be read. Let this process write to it and to its directory" in text


async def test_a_directory_that_may_not_be_written_is_an_error(open_to_all):
    path = open_to_all / "nightly.db"
    open_to_all.chmod(0o555)
    with as_nobody():
        text = await error_of_opening(path)
    assert "It must be a file in a directory that exists and that this process may write to." in text


async def test_a_directory_that_may_not_be_entered_is_an_error(open_to_all):
    open_to_all.chmod(0o000)
    with as_nobody():
        text = await error_of_opening(open_to_all / "nightly.db")
    assert "Permission denied" in text


async def test_a_missing_directory_is_an_error(tmp_path):
    text = await error_of_opening(tmp_path / "missing" / "nightly.db")
    assert "It must be a file in a directory that exists" in text


async def test_a_directory_in_place_of_a_file_is_an_error(tmp_path):
    assert await error_of_opening(tmp_path) == f"The journal {tmp_path} is not a file. Name another one."


async def test_a_directory_in_place_of_a_file_gets_no_lock_beside_it(tmp_path):
    directory = tmp_path / "directory"
    directory.mkdir()
    await error_of_opening(directory)
    assert list(tmp_path.iterdir()) == [directory]


async def test_a_path_that_no_file_can_have_is_an_error(tmp_path):
    assert "embedded null" in await error_of_opening(f"{tmp_path}/a\0b")


@pytest.mark.parametrize("suffix", ["", "-wal", "-journal"])
@pytest.mark.parametrize("there", [True, False], ids=["a link", "a link to nowhere"])
async def test_a_link_under_the_name_of_a_journal_is_an_error_and_its_target_is_left_alone(path, suffix, there):
    target, link = path.with_name("target"), path.with_name(path.name + suffix)
    if there:
        target.write_bytes(b"")  # which would be a new journal
    link.symlink_to(target)
    assert await error_of_opening(path) == (
        f"{link} is a link, and a journal is written to no link's target. Name the file itself as journal."
    )
    assert link.is_symlink()
    assert (target.exists(), there and target.read_bytes()) == (there, there and b"")


async def test_a_link_that_comes_while_the_file_is_opened_is_an_error_and_its_target_is_left_alone(path, monkeypatch):
    target = path.with_name("target")
    await made(target)
    before = target.read_bytes()
    make = JournalFile._make

    def make_and_swap(self):
        make(self)
        path.unlink()
        path.symlink_to(target)

    monkeypatch.setattr(JournalFile, "_make", make_and_swap)
    assert "is a link" in await error_of_opening(path)
    assert target.read_bytes() == before


async def test_a_link_to_itself_is_an_error(path):
    path.symlink_to(path)
    assert "is a link" in await error_of_opening(path)


async def test_a_folder_may_be_reached_by_a_link(tmp_path):
    folder, link = tmp_path / "folder", tmp_path / "link"
    folder.mkdir()
    link.symlink_to(folder)
    await made(link / "nightly.db")
    assert (folder / "nightly.db").is_file()


async def test_a_new_file_and_what_is_beside_it_is_for_its_owner_only(path):
    before = os.umask(0)
    try:
        async with journal_at(path) as journal:
            await journal.begin(["a"])
            modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in path.parent.iterdir()}
    finally:
        os.umask(before)
    assert modes == {"nightly.db": 0o600, "nightly.db-wal": 0o600}


async def test_the_permissions_of_a_file_that_is_there_are_kept(path):
    path.touch()
    path.chmod(0o640)
    await made(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


def overwritten(path: Path, start: int, data: bytes) -> None:
    with path.open("r+b") as file:
        file.seek(start)
        file.write(data)


async def test_a_file_of_garbage_is_an_error(path):
    path.write_bytes(b"certainly no database " * 500)
    assert "file is not a database. It is not a journal, or damaged: name another file." in await error_of_opening(path)


async def test_a_file_whose_header_is_garbage_is_an_error(path):
    await made(path)
    overwritten(path, 0, b"\xff" * 100)
    assert "It is not a journal, or damaged" in await error_of_opening(path)


async def test_a_file_that_is_damaged_in_the_middle_is_an_error(path):
    await made(path, [f"connection {number}" for number in range(2000)])
    overwritten(path, path.stat().st_size // 2 // 4096 * 4096, os.urandom(2 * 4096))
    assert "is damaged" in await error_of_opening(path)


async def test_a_file_that_was_cut_off_is_an_error(path):
    await made(path, [f"connection {number}" for number in range(2000)])
    os.truncate(path, path.stat().st_size // 2 // 4096 * 4096)
    assert "damaged" in await error_of_opening(path)


async def test_a_damaged_file_is_left_as_it_is(path):
    await made(path, [f"connection {number}" for number in range(2000)])
    overwritten(path, 5 * 4096, b"\xff" * 4096)
    before = path.read_bytes()
    await error_of_opening(path)
    assert path.read_bytes() == before


async def test_an_empty_file_is_a_new_journal(path):
    path.touch()
    async with journal_at(path) as journal:
        assert await journal.begin(["a"]) == {"a": JournalEntry()}


@pytest.mark.parametrize("sql", ["CREATE TABLE bulks (id)", "PRAGMA application_id = 7"])
async def test_a_database_of_another_program_is_an_error(path, sql):
    with closing(sqlite3.connect(path)) as db:
        db.execute(sql)
    assert "is a database of another program. Name another file as journal." in await error_of_opening(path)


async def test_a_database_of_another_program_is_left_as_it_is(path):
    with closing(sqlite3.connect(path)) as db:
        db.execute("CREATE TABLE theirs (id)")
    before = path.read_bytes()
    await error_of_opening(path)
    assert path.read_bytes() == before


async def test_a_program_that_holds_the_file_is_named_as_the_cause(path):
    await made(path)
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute("BEGIN IMMEDIATE")
        text = await error_of_opening(path)
    assert "is in use by another program. Wait until it ends, or name another file." in text


async def test_a_program_that_reads_the_file_for_a_moment_is_waited_for(path, monkeypatch):
    await made(path)
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute("BEGIN IMMEDIATE")

        async def sleep_while_it_ends(_: float) -> None:
            db.execute("ROLLBACK")
            db.close()

        monkeypatch.setattr(anyio, "sleep", sleep_while_it_ends)
        async with journal_at(path) as journal:
            assert (await journal.unfinished())["a"] == NOTE


# The version.


async def test_a_journal_of_a_later_version_is_an_error(path):
    async with JournalFile(path, migrations=[*MIGRATIONS, "CREATE TABLE new (x)"]):
        pass
    text, known = await error_of_opening(path), len(MIGRATIONS)
    assert f"later version of this package ({known + 1}; this one knows up to {known}). Update the package" in text


async def test_a_journal_of_an_earlier_version_is_brought_up_and_keeps_its_notes(path):
    await made(path)
    script = "ALTER TABLE items ADD COLUMN colour TEXT; UPDATE items SET colour = 'grey';"
    async with JournalFile(path, migrations=[*MIGRATIONS, script]) as file:
        rows = await file.read("SELECT connection_id, token, colour FROM items")
    assert rows == [("a", NOTE.token, "grey"), ("b", None, "grey")]


async def test_each_step_of_a_schema_is_made_once(path):
    steps = ["CREATE TABLE t (x)", "INSERT INTO t VALUES (2)", "INSERT INTO t VALUES (3)"]
    for known in (1, 2, 3, 3):
        async with JournalFile(path, migrations=steps[:known]) as file:
            rows = await file.read("SELECT x FROM t")
    assert rows == [(2,), (3,)]


async def test_a_step_that_fails_changes_nothing(path):
    await made(path)
    with closing(sqlite3.connect(path)) as db:
        before = list(db.iterdump())
    file = JournalFile(path, migrations=[*MIGRATIONS, "CREATE TABLE new (x); UPDATE items SET colour = 'grey'"])
    with pytest.raises(JournalError, match="no such column: colour"):
        async with file:
            pass
    with closing(sqlite3.connect(path)) as db:
        assert (list(db.iterdump()), db.execute("PRAGMA user_version").fetchone()) == (before, (len(MIGRATIONS),))


# Two at once.


async def test_a_journal_that_is_used_twice_in_one_process_is_refused(path):
    async with journal_at(path):
        with pytest.raises(JournalInUseError) as caught:
            async with journal_at(path):
                pass
    assert caught.value.pid == os.getpid()


async def test_who_was_refused_has_not_let_a_third_in(path):
    async with journal_at(path):
        for _ in range(2):
            assert f"is in use by process {os.getpid()} on " in await error_of_opening(path)


async def test_a_journal_is_one_file_by_whatever_name_it_is_reached(path):
    other = path.with_name("other.db")
    async with journal_at(path):
        other.hardlink_to(path)
        assert "is in use by process" in await error_of_opening(other)


async def test_a_journal_is_free_when_it_is_closed(path):
    for _ in range(2):
        async with journal_at(path) as journal:
            await journal.begin(["a"])


HOLDER = """
import asyncio, sys
from bentley_sync_async.bulk.journal.base import JournalEntry
from bentley_sync_async.bulk.journal.sqlite import SQLiteJournal

async def main():
    async with SQLiteJournal(sys.argv[1], origin="https://api.example", now=lambda: 1_800_000_000.0) as journal:
        await journal.begin(["a"])
        await journal.record("a", JournalEntry(attempt=1, token=sys.argv[2], joined=True))
        print("noted", flush=True)
        sys.stdin.read()

asyncio.run(main())
"""


@contextmanager
def another_process(path: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """A process that holds the journal, and has noted something in it."""
    command = [sys.executable, "-c", HOLDER, str(path), token_of()]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == b"noted\n"
            yield process
        finally:
            process.kill()


async def test_a_second_process_is_refused_with_the_pid_of_the_first_until_that_is_killed(path):
    with another_process(path) as process:
        with pytest.raises(JournalInUseError) as caught:
            async with journal_at(path):
                pass
        assert caught.value.pid == process.pid
        process.send_signal(signal.SIGKILL)
        process.wait()
        async with journal_at(path) as journal:
            assert await journal.begin(["a"]) == {"a": NOTE}


async def test_two_that_start_together_let_one_in(path):
    await made(path)
    got_in: list[int] = []
    refused: list[JournalInUseError] = []
    done = anyio.Event()

    async def use(number: int) -> None:
        try:
            async with journal_at(path):
                got_in.append(number)
                if len(got_in) == 1:
                    await done.wait()
                done.set()
        except JournalInUseError as error:
            refused.append(error)
            done.set()

    async with anyio.create_task_group() as group:
        for number in range(2):
            group.start_soon(use, number)
    assert (len(got_in), len(refused)) == (1, 1)


# What is removed or replaced while a bulk runs.


def removed_but(path: Path) -> None:
    """Remove all that is beside a journal."""
    for file in set(path.parent.iterdir()) - {path, path.with_name(f"{path.name}-wal")}:
        file.unlink()


@pytest.mark.parametrize("file", ["nightly.db.lock", "nightly.db-shm"])
async def test_no_file_beside_the_journal_is_its_lock(path, file):
    with another_process(path):
        path.with_name(file).unlink(missing_ok=True)
        removed_but(path)
        assert "is in use by process" in await error_of_opening(path)


async def remove(path):
    path.unlink()


async def move(path):
    path.rename(path.with_name("elsewhere.db"))


async def move_another_there(path):
    await made(path.with_name("another.db"))
    path.with_name("another.db").rename(path)


async def remove_wal(path):
    path.with_name(f"{path.name}-wal").unlink()


async def remove_and_make_a_new_one(path):
    path.unlink()
    path.touch()


@pytest.mark.parametrize("change", [remove, move, move_another_there, remove_wal, remove_and_make_a_new_one])
async def test_a_journal_that_is_removed_or_replaced_is_an_error_at_the_next_note(path, change):
    async with journal_at(path) as journal:
        await journal.begin(["a"])
        await change(path)
        with pytest.raises(JournalError, match=r"nightly\.db cannot be used: it was removed or replaced while a bulk"):
            await journal.record("a", NOTE)


async def test_who_finds_its_journal_replaced_leaves_the_new_one_and_its_notes_alone(path):
    async with journal_at(path) as first:
        await first.begin(["a"])
        path.unlink()
        async with journal_at(path) as second:
            await second.begin(["b"])
            with pytest.raises(JournalError):
                await first.record("a", NOTE)
            await first._file._in_thread(first._file._close)
            await second.record("b", OF_B)
    async with journal_at(path) as journal:
        assert await journal.unfinished() == {"b": OF_B}


async def test_what_was_noted_in_a_removed_wal_file_is_in_the_journal_at_its_end(path):
    async with journal_at(path) as journal:
        await journal.begin(["a"])
        await remove_wal(path)
        with pytest.raises(JournalError):
            await journal.record("a", NOTE)
    async with journal_at(path) as journal:
        assert await journal.unfinished() == {"a": NOTE}


async def test_a_bulk_whose_journal_is_removed_triggers_nothing_more(tmp_path):
    path = tmp_path / "nightly.db"
    async with emulated() as (emulator, client):
        imodel = emulator.new_imodel_id()
        connections = [emulator.add_connection(imodel) for _ in range(2)]
        bulk = client.run_many(connections, journal=path)

        async def follow_and_remove():
            async with bulk:
                async for event in bulk:
                    if isinstance(event, ConnectionProgressed):
                        path.unlink(missing_ok=True)

        with pytest.raises(JournalError, match="it was removed or replaced"):
            await follow_and_remove()
        assert len(emulator.runs) == 1


# Paths.


async def test_a_relative_path_is_of_the_directory_in_which_the_journal_was_made(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    journal = journal_at("nightly.db")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    async with journal:
        assert (tmp_path / "nightly.db").is_file()


async def test_a_tilde_is_the_home_of_the_user(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    async with journal_at("~/nightly.db"):
        assert (tmp_path / "nightly.db").is_file()


def test_the_home_of_an_unknown_user_is_no_path():
    with pytest.raises(InvalidArgumentError, match="journal cannot be '~nobody-of-that-name/x'"):
        journal_at("~nobody-of-that-name/x")


@pytest.mark.parametrize("name", ["nächtlich 夜.db", "a#b.db", "a?b=c.db", "100%.db", "a%23b.db", ":memory:", "file:x"])
async def test_a_name_with_any_characters_is_that_file(tmp_path, name):
    async with journal_at(tmp_path / name):
        assert (tmp_path / name).is_file()


@pytest.mark.parametrize("name", ["nächtlich 夜.db", "a#b.db", "a?b=c.db", "100%.db", "a%23b.db"])
async def test_a_report_name_may_have_any_characters(tmp_path, name):
    async with journal_at(tmp_path / name):
        assert f"is in use by process {os.getpid()} " in await error_of_opening(tmp_path / name)
