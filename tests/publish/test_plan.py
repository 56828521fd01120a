"""Tests of the plan: what is uploaded, which connection gets which file, what is run."""

import json

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from bentley_sync_async import ConnectorType, InvalidArgumentError
from bentley_sync_async.publish import FileOutcome, FileStatus, FileUploaded, PublishProgress
from bentley_sync_async.publish.plan import (
    FileAction,
    LocalFile,
    PublishedConnection,
    PublishedFile,
)
from bentley_sync_async.publish.steps.descriptions import describe, read_description, short_path
from bentley_sync_async.publish.steps.planning import connection_names, is_connection_name, make_plan

MSTN, DWG = ConnectorType.MSTN, ConnectorType.DWG


def local(path, sha256="1", connector=MSTN, size=10):
    return LocalFile(path=path, size=size, sha256=sha256, connector=connector)


def published(path, sha256="1", connection_id="one", **changes):
    return PublishedFile(
        path=path,
        file_id=f"id of {path}",
        **{"size": 10, "synchronized": True} | changes,
        sha256=sha256,
        connection_id=connection_id,
        source_file_id=f"source of {path}",
        connector=MSTN,
    )


ONE = PublishedConnection(connection_id="one", display_name="Nightly 1", files=2)


def plan(now, before=(), connections=(ONE,), **options):
    return make_plan(now, before, connections, folder="Nightly", **options)


def actions(made):
    return {one.path: one.action for one in made.files}


def test_nothing_is_to_do_when_nothing_has_changed():
    made = plan([local("a"), local("b")], [published("a"), published("b")])
    assert actions(made) == {"a": FileAction.UNCHANGED, "b": FileAction.UNCHANGED}
    assert made.nothing_to_do
    assert made.counts == {FileAction.UNCHANGED: 2}
    assert [one.run for one in made.connections] == [False]


def test_a_changed_file_is_uploaded_again_and_its_connection_is_run():
    made = plan([local("a", "2"), local("b")], [published("a"), published("b")])
    assert actions(made) == {"a": FileAction.UPDATE, "b": FileAction.UNCHANGED}
    assert ([one.path for one in made.uploads], made.size) == (["a"], 10)
    assert [(one.connection_id, one.run, one.add) for one in made.connections] == [("one", True, ())]
    assert not made.nothing_to_do


def test_a_file_that_somebody_else_has_changed_in_storage_is_uploaded_again():
    assert actions(plan([local("a")], [published("a", None)])) == {"a": FileAction.UPDATE}
    assert actions(plan([local("a")], [published("a", size=9)])) == {"a": FileAction.UPDATE}


def test_a_file_that_no_run_has_succeeded_with_is_run_again():
    [connection] = plan([local("a")], [published("a", synchronized=False)]).connections
    assert connection.run


def test_the_first_publish_uploads_everything_and_makes_a_connection():
    made = plan([local("b"), local("a")], connections=())
    assert actions(made) == {"a": FileAction.UPLOAD, "b": FileAction.UPLOAD}
    [connection] = made.connections
    assert (connection.display_name, connection.connection_id, connection.run) == ("Nightly 1", None, True)
    assert connection.files == connection.add == ("a", "b")


def test_an_uploaded_file_without_a_connection_gets_one():
    made = plan([local("a")], [published("a", connection_id=None)], connections=())
    assert actions(made) == {"a": FileAction.UNCHANGED}
    assert [one.add for one in made.connections] == [("a",)]
    assert not made.nothing_to_do


def test_the_files_of_a_connection_that_was_deleted_get_another():
    made = plan([local("a")], [published("a", connection_id="gone")], connections=())
    assert [(one.connection_id, one.add) for one in made.connections] == [(None, ("a",))]


def test_another_connector_changes_the_source_file():
    made = plan([local("a", connector=DWG)], [published("a")])
    assert actions(made) == {"a": FileAction.UNCHANGED}
    [connection] = made.connections
    assert (connection.change, connection.run) == (("a",), True)


def test_a_plan_tells_how_long_the_runs_of_its_connections_take():
    made = plan([local("a", "2")], [published("a")])
    assert str(evolve(made, expected=90.0)) == f"{made}\nThe runs should take about 1:30."
    new = plan([local("a", "2")], connections=())
    assert str(evolve(new, expected=90.0)).endswith("\nThe runs of connections that exist should take about 1:30.")


def test_a_file_that_is_gone_stays_unless_it_is_pruned():
    before = [published("a"), published("b", size=7)]
    kept = plan([local("a")], before)
    assert actions(kept) == {"a": FileAction.UNCHANGED, "b": FileAction.KEEP}
    assert kept.nothing_to_do
    assert kept.connections[0].files == ("a", "b")
    pruned = plan([local("a")], before, prune=True)
    assert actions(pruned) == {"a": FileAction.UNCHANGED, "b": FileAction.REMOVE}
    [connection] = pruned.connections
    assert (connection.files, connection.remove, connection.run) == (("a",), ("b",), True)
    assert [one.size for one in pruned.files] == [10, 7]


def test_a_file_that_cannot_be_published_is_no_reason_to_remove_it():
    before = [published("a"), published("b")]
    made = plan([local("a")], before, refused={"b": "It is empty.", "c": "It is empty."}, prune=True)
    assert actions(made) == {"a": FileAction.UNCHANGED, "b": FileAction.REFUSE, "c": FileAction.REFUSE}
    assert [one.reason for one in made.files] == [None, "It is empty.", "It is empty."]
    assert [(one.files, one.run) for one in made.connections] == [(("a", "b"), False)]


def test_a_new_file_goes_to_the_connection_of_its_folder():
    two = PublishedConnection(connection_id="two", display_name="Nightly 2", files=1)
    before = [published("a/1"), published("b/1", connection_id="two")]
    made = plan([local("a/1"), local("b/1"), local("b/2"), local("c/1")], before, [ONE, two])
    assert [(one.connection_id, one.add) for one in made.connections] == [("one", ("c/1",)), ("two", ("b/2",))]


def test_connections_take_no_more_files_than_allowed():
    full = PublishedConnection(connection_id="one", display_name="Nightly 1", files=3)  # one of them by somebody else
    before = [published("a"), published("b")]
    now = [local(name) for name in "abcdefgh"]
    made = plan(now, before, [full], files_per_connection=3)
    assert [(one.display_name, one.files) for one in made.connections] == [
        ("Nightly 1", ("a", "b")),
        ("Nightly 2", ("c", "d", "e")),
        ("Nightly 3", ("f", "g", "h")),
    ]


def test_an_imodel_with_too_many_connections_is_refused():
    now = [local(f"{number:03}") for number in range(100)]
    assert len(plan(now, connections=(), files_per_connection=1).connections) == 100
    with pytest.raises(InvalidArgumentError, match="100 files need 100 connections, and the iModel has 1 others"):
        plan(now, connections=(), files_per_connection=1, other_connections=1)


def test_names_of_connections_are_recognized_and_not_used_twice():
    names = connection_names("Nightly", ["Nightly 2"])
    assert [next(names), next(names)] == ["Nightly 1", "Nightly 3"]
    assert is_connection_name("Nightly 12", "Nightly")
    assert not any(is_connection_name(name, "Nightly") for name in ("Nightly", "Nightly ", "Nightly x", "Daily 1"))


def test_descriptions_hold_path_and_hash():
    sha256 = "0123456789abcdef" * 4
    assert read_description(describe("cad/Grundriß 1.dgn", sha256)) == ("cad/Grundriß 1.dgn", sha256)
    long = "x" * 300
    assert len(describe(long, sha256)) <= 250
    assert read_description(describe(long, sha256)) == (short_path(long), sha256)
    assert [read_description(one) for one in (None, "", "a drawing", f"sha256:{sha256}")] == [None] * 4


PATHS = st.builds("{}/{}".format, st.sampled_from("abc"), st.integers(0, 30))


@given(
    now=st.dictionaries(PATHS, st.sampled_from("123")),
    later=st.dictionaries(PATHS, st.sampled_from("123")),
    most=st.integers(1, 5),
    prune=st.booleans(),
)
def test_what_was_applied_is_not_planned_again(now, later, most, prune):
    before, connections = apply(plan_of(now, [], [], most), [])
    before, connections = apply(plan_of(later, before, connections, most, prune=prune), connections)
    made = plan_of(later, before, connections, most, prune=prune)
    assert made.nothing_to_do
    assert all(one.files <= most for one in connections)
    homes = [path for one in made.connections for path in one.files]
    assert sorted(homes) == sorted(one.path for one in before)
    assert set(homes) - set(later) == (set() if prune else set(now) - set(later))


def plan_of(contents, before, connections, most, **options):
    now = [local(path, sha256) for path, sha256 in contents.items()]
    return make_plan(now, before, connections, folder="Nightly", files_per_connection=most, **options)


def apply(made, connections):
    """What Storage and the iModel hold after a plan was carried out."""
    names = {one.connection_id: one for one in connections}
    homes = {}
    for one in made.connections:
        connection_id = one.connection_id or one.display_name
        count = names[connection_id].files if connection_id in names else 0
        names[connection_id] = PublishedConnection(
            connection_id=connection_id,
            display_name=one.display_name,
            files=count + len(one.add) - len(one.remove),
        )
        homes |= dict.fromkeys(one.files, connection_id)
    after = []
    for one in made.files:
        if one.action is FileAction.KEEP:
            after.append(one.published)
        elif one.action is not FileAction.REMOVE:
            after.append(published(one.path, one.local.sha256, homes[one.path]))
    return [evolve(one, synchronized=True) for one in after], list(names.values())


def test_a_plan_is_printed_as_a_diff():
    made = plan(
        [local("a", "2", size=3_000_000), local("b", size=3000, connector=DWG), local("c"), local("d")],
        [published("a"), published("c"), published("d"), published("e"), published("f")],
        refused={"empty": "It is empty."},
        prune=True,
        files_per_connection=5,
        connections=[ONE, PublishedConnection(connection_id="two", display_name="Nightly 2", files=5)],
    )
    assert str(made).splitlines() == [
        "~ a (3.0 MB, MSTN)",
        "+ b (3.0 kB, DWG)",
        "- e",
        "! empty: It is empty.",
        "- f",
        "= 2 unchanged",
        "~ connection Nightly 1: 1 added, 2 removed",
        "run Nightly 1",
        "2 files to upload (3.0 MB), 2 to remove, 1 connection to run.",
    ]


def test_a_plan_of_something_new_says_what_is_created():
    made = evolve(plan([local("a", size=999), local("b", size=1)], connections=()), creates=("iModel M",))
    assert str(made).splitlines() == [
        "+ a (999 B, MSTN)",
        "+ b (1 B, MSTN)",
        "+ iModel M",
        "+ connection Nightly 1: 2 files",
        "run Nightly 1",
        "2 files to upload (1.0 kB), 1 connection to run.",
    ]


def test_a_plan_without_work_says_so_and_what_stands_in_the_way():
    assert str(plan([local("a")], [published("a")])) == "= 1 unchanged\nNothing to do: 1 file unchanged."
    made = plan([local("a")], [published("a"), published("b")], refused={"c": "It is empty."})
    assert str(made).splitlines() == [
        "! c: It is empty.",
        "= 1 unchanged",
        "= 1 gone locally, and kept without prune",
        "Nothing to do: 1 file unchanged, 1 cannot be published.",
    ]


def test_a_connector_that_changes_is_a_change_of_the_connection():
    made = plan([local("a", connector=DWG)], [published("a")])
    assert "~ connection Nightly 1: 1 with another connector" in str(made).splitlines()


def test_a_plan_has_something_to_do_when_a_file_without_a_connection_is_removed_or_something_is_created():
    assert not plan([], [published("a", connection_id=None)], prune=True).nothing_to_do
    assert not evolve(plan([local("a")], [published("a")]), creates=("folder F",)).nothing_to_do


def test_a_plan_in_json_has_the_counts_of_all_actions():
    made = json.loads(plan([local("a"), local("b")], [published("a")]).to_json())
    assert (made["nothingToDo"], made["uploadBytes"]) == (False, 10)
    assert made["counts"] == {"upload": 1, "update": 0, "unchanged": 1, "remove": 0, "keep": 0, "refuse": 0}
    assert [one["path"] for one in made["files"]] == ["a", "b"]


def test_an_event_in_json_has_its_name_and_the_spelling_of_the_api():
    event = FileUploaded(path="a.dgn", size=5, file_id="f", seconds=1.0)
    assert json.loads(event.to_json()) == {
        "event": "FileUploaded",
        "path": "a.dgn",
        "size": 5,
        "fileId": "f",
        "seconds": 1.0,
    }


def test_the_progress_counts_what_is_uploaded_and_what_is_under_way():
    def outcome(path, status, action=FileAction.UPLOAD):
        return FileOutcome(path=path, action=action, status=status, size=10)

    files = [
        outcome("done", FileStatus.UPLOADED),
        outcome("failed", FileStatus.FAILED),
        outcome("under way", FileStatus.WAITING, FileAction.UPDATE),
        outcome("waiting", FileStatus.WAITING),
        outcome("same", FileStatus.UNCHANGED, FileAction.UNCHANGED),
    ]
    progress = PublishProgress.of(files, {"under way": 4, "gone": 1})
    assert (progress.files, progress.finished, progress.size, progress.sent) == (4, 2, 40, 24)
    assert progress.sending == {"under way": (4, 10)}
