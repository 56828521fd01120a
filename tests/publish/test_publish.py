"""A publish from the folder to the iModel, on the emulator."""

import os

import pytest
from publish.site import MANIFEST, site

from bentley_sync_async import InvalidArgumentError, JournalError
from bentley_sync_async.bulk import ConnectionFinished
from bentley_sync_async.emulator import FileRule
from bentley_sync_async.publish.events import FileFailed, FileUploaded, PublishPlanned
from bentley_sync_async.publish.options import PublishOptions
from bentley_sync_async.publish.outcomes import FileStatus
from bentley_sync_async.publish.sources import FileVersion

UPLOADS = ("create-file", "update-file-content")


def statuses(report):
    return {one.path: str(one.status) for one in report.files}


async def test_the_first_publish_creates_the_imodel_uploads_everything_and_runs_it(tmp_path):
    async with site(tmp_path) as here:
        here.write(a="one", sub__a="two", sub__b="three")
        events, report = await here.events()
        assert await here.stored() == here.expected()
        assert await here.connections() == ["Nightly 1"]
        assert isinstance(events[0], PublishPlanned)
        assert isinstance(events[-1], ConnectionFinished)
        assert sorted(one.path for one in events if isinstance(one, FileUploaded)) == [
            "a.dgn",
            "sub/a.dgn",
            "sub/b.dgn",
        ]
        assert (report.good, report.uploaded, len(report.runs)) == (True, 11, 1)
        assert statuses(report) == dict.fromkeys(here.expected(), "uploaded")
        assert len(report.changesets) > 0
        assert [run.connection_id for run in here.emulator.runs] == [report.runs[0].connection_id]


async def test_nothing_to_do_takes_two_requests_and_no_run(tmp_path):
    async with site(tmp_path) as here:
        here.write(a="one", b="two")
        await here.result()
        before = len(here.emulator.requests)
        report = await here.result()
        assert here.requests(before) == {"get-files-in-folder": 1, "get-storage-connection-sourcefiles": 1}
        assert (report.good, statuses(report)) == (True, {"a.dgn": "unchanged", "b.dgn": "unchanged"})
        assert len(here.emulator.runs) == 1


async def test_exactly_what_changed_is_uploaded_and_exactly_its_connection_is_run(tmp_path):
    async with site(tmp_path, most=1) as here:
        here.write(a="one", b="two", c="three")
        await here.result()
        here.write(b="another two")
        before = len(here.emulator.requests)
        report = await here.result()
        assert statuses(report) == {"a.dgn": "unchanged", "b.dgn": "uploaded", "c.dgn": "unchanged"}
        assert [here.requests(before)[name] for name in (*UPLOADS, "run-storage-connection")] == [0, 1, 1]
        assert [report.connections[run.connection_id] for run in report.runs] == ["Nightly 2"]
        assert await here.stored() == here.expected()


async def test_another_machine_uploads_and_runs_nothing_that_is_there_already(tmp_path):
    async with site(tmp_path, most=1) as here:
        here.write(a="one", b="two")
        await here.result()
        here.journal = None
        before = len(here.emulator.requests)
        report = await here.result()
        assert statuses(report) == {"a.dgn": "unchanged", "b.dgn": "unchanged"}
        assert not any(here.requests(before)[name] for name in (*UPLOADS, "run-storage-connection"))


async def test_another_machine_runs_again_what_has_not_succeeded(tmp_path):
    async with site(tmp_path) as here:
        rule = here.emulator.add_file_rule(FileRule(error="SourceFileCorrupted"))
        here.write(a="one")
        assert not (await here.result()).good
        rule.error = None
        here.journal = None
        report = await here.result()
        assert (statuses(report), report.good, len(report.runs)) == ({"a.dgn": "unchanged"}, True, 1)


async def test_a_new_file_joins_a_connection_that_has_room(tmp_path):
    async with site(tmp_path, most=2) as here:
        here.write(a="one")
        await here.result()
        here.write(b="two", c="three")
        report = await here.result()
        assert await here.connections() == ["Nightly 1", "Nightly 2"]
        assert (report.good, len(report.runs)) == (True, 2)


async def test_a_file_that_is_gone_stays_until_it_is_pruned(tmp_path):
    async with site(tmp_path) as here:
        here.write(a="one", b="two")
        await here.result()
        here.place("b").unlink()
        report = await here.result()
        assert (statuses(report), report.good, report.runs) == ({"a.dgn": "unchanged", "b.dgn": "kept"}, True, ())
        assert set(await here.stored()) == {"a.dgn", "b.dgn"}
        report = await here.result(prune=True)
        assert (statuses(report), len(report.runs)) == ({"a.dgn": "unchanged", "b.dgn": "removed"}, 1)
        assert set(await here.stored()) == {"a.dgn"}
        assert (await here.result(prune=True)).runs == ()


async def test_a_dry_run_changes_nothing(tmp_path):
    async with site(tmp_path) as here:
        here.write(a="one")
        plan = await here.publish().plan()
        assert ([one.path for one in plan.uploads], plan.size) == (["a.dgn"], 3)
        assert {one.method for one in here.emulator.requests} <= {"GET", "POST"}
        assert [one.operation for one in here.emulator.requests if one.method == "POST"] == ["token"]


async def test_what_somebody_else_has_changed_in_storage_is_uploaded_again(tmp_path):
    async with site(tmp_path) as here:
        here.write(a="one", b="two")
        report = await here.result()
        here.emulator.set_file_content(report.files[0].file_id, b"eno")
        report = await here.result()
        assert statuses(report) == {"a.dgn": "uploaded", "b.dgn": "unchanged"}
        assert await here.stored() == here.expected()


async def test_files_of_a_connection_that_was_deleted_get_another_one(tmp_path):
    async with site(tmp_path) as here:
        here.write(a="one")
        report = await here.result()
        await here.client.storage_connections.delete(report.runs[0].connection_id)
        report = await here.result()
        assert (statuses(report), len(report.runs), report.good) == ({"a.dgn": "unchanged"}, 1, True)
        assert await here.connections() == ["Nightly 1"]


async def test_files_that_cannot_be_published_are_refused_and_the_others_are_not(tmp_path):
    async with site(tmp_path) as here:
        here.write(a="one", empty="")
        here.place("nowhere").symlink_to(tmp_path / "missing")
        here.place("link").symlink_to(here.place("a"))
        report = await here.result()
        assert statuses(report) == {
            "a.dgn": "uploaded",
            "empty.dgn": "refused",
            "link.dgn": "uploaded",
            "nowhere.dgn": "refused",
        }
        assert [one.reason for one in report.files if one.reason] == [
            "It is empty, and the service refuses empty files (ZeroByte).",
            "It cannot be read: No such file or directory.",
        ]
        assert (report.good, len(report.runs)) == (False, 1)


@pytest.mark.parametrize("name", ["with space", "grundriß äöü 1", "100% a+b&c", "夜"])
async def test_names_may_have_any_characters(tmp_path, name):
    async with site(tmp_path) as here:
        here.write(**{name: "one", f"sub__{name}": "two"})
        assert (await here.result()).good
        assert await here.stored() == here.expected()
        assert statuses(await here.result()) == dict.fromkeys(here.expected(), "unchanged")


async def test_a_name_that_the_service_does_not_take_is_reported_with_its_reason(tmp_path):
    async with site(tmp_path) as here:
        here.write(**{"a?b": "one", "c": "two"})
        report = await here.result()
        assert statuses(report) == {"a?b.dgn": "failed", "c.dgn": "uploaded"}
        assert "InvalidStorageRequest" in report.files[0].reason


async def test_a_selection_that_matches_nothing_is_an_error_before_anything_is_sent(tmp_path):
    async with site(tmp_path) as here:
        with pytest.raises(InvalidArgumentError, match=r"\*\*/\*\.dgn matches no file in"):
            await here.result(prune=True)
        assert here.emulator.requests == []


class Source:
    """A file that is not on the disk, and that may change while it is read."""

    def __init__(self, path, *contents, broken=False):
        self.path = path
        self.connector = None
        self.contents = list(contents)
        self.broken = broken
        self.reads = 0

    async def version(self):
        return FileVersion(size=len(self.contents[0]), stamp=len(self.contents))

    async def read(self):
        self.reads += 1
        content = self.contents[0]
        yield content[:1]
        if self.broken and self.reads > 1:
            raise OSError(5, "Input/output error")
        if len(self.contents) > 1 and self.reads > 1:
            self.contents.pop(0)
        yield content[1:]


async def test_a_file_that_changes_while_it_is_read_is_taken_again(tmp_path):
    async with site(tmp_path) as here:
        report = await here.result(sources=[Source("a.dgn", b"first", b"second")])
        assert (report.good, statuses(report)) == (True, {"a.dgn": "uploaded"})
        assert await here.stored() == {"a.dgn": ["second"]}


async def test_a_file_that_changes_whenever_it_is_read_is_reported_and_storage_has_none_of_it(tmp_path):
    async with site(tmp_path) as here:
        changing = Source("a.dgn", *(b"%d" % number for number in range(10, 30)))
        events, report = await here.events(sources=[changing, Source("b.dgn", b"quiet")])
        assert statuses(report) == {"a.dgn": "failed", "b.dgn": "uploaded"}
        assert "It was changed while it was read, 3 times." in report.files[0].reason
        assert [event.path for event in events if isinstance(event, FileFailed)] == ["a.dgn"]
        assert await here.stored() == {"b.dgn": ["quiet"]}


async def test_a_file_that_cannot_be_uploaded_holds_up_its_own_connection_only(tmp_path):
    async with site(tmp_path, most=1) as here:
        sources = [Source("a.dgn", b"one", broken=True), Source("b.dgn", b"two")]
        report = await here.result(sources=sources)
        assert statuses(report) == {"a.dgn": "failed", "b.dgn": "uploaded"}
        assert report.not_run == {"Nightly 1": "a.dgn could not be uploaded"}
        assert [run.status for run in report.runs] == ["succeeded"]
        sources[0].broken = False
        report = await here.result(sources=sources)
        assert (report.good, statuses(report)) == (True, {"a.dgn": "uploaded", "b.dgn": "unchanged"})


async def test_all_uploads_together_keep_to_the_bandwidth(tmp_path):
    async with site(tmp_path) as here:
        sources = [Source(f"{name}.dgn", b"x" * 1000) for name in "abcd"]
        report = await here.result(sources=sources, bytes_per_second=100)
        took = [one.seconds for one in report.files]
        assert 29 < max(took) < 31  # the first of four goes at once


async def test_a_journal_with_another_bulk_under_way_is_refused(tmp_path):
    async with site(tmp_path) as here:
        here.write(a="one")
        connection = here.emulator.add_connection()
        async with here.client.run_many([connection], journal=here.journal) as bulk:
            await anext(bulk)
        with pytest.raises(JournalError, match="is not this publish's"):
            await here.result()


async def test_a_publish_is_one_at_a_time_on_a_journal(tmp_path):
    async with site(tmp_path) as here:
        here.write(a="one")
        async with here.publish() as first:
            await anext(first)
            with pytest.raises(JournalError, match=f"in use by process {os.getpid()}"):
                await here.result()
            assert (await first.result()).good


async def test_the_report_names_files_and_connections(tmp_path):
    async with site(tmp_path) as here:
        here.emulator.add_file_rule(FileRule(error="SourceFileCorrupted"))
        here.write(sub__a="one", empty="")
        report = await here.result()
        text = str(report)
        assert "empty.dgn refused: It is empty" in text
        assert "Nightly 1 failed" in text
        assert "  sub/a.dgn: SourceFileCorrupted" in text
        assert "2 files: 1 uploaded, 1 refused (3 B); 1 run, 1 failed; " in text
        assert '"displayName":"Nightly 1"' in report.to_json()
        junit = report.to_junit()
        assert junit.startswith('<?xml version="1.0" encoding="utf-8"?>')
        assert 'tests="3" failures="2" errors="0"' in junit


async def test_a_missing_imodel_is_created_only_if_that_is_wanted(tmp_path):
    async with site(tmp_path) as here:
        here.write(a="one")
        here.manifest.write_text(MANIFEST.replace("create = true", "") % 1)
        with pytest.raises(InvalidArgumentError, match="There is no iModel named 'Combined' in iTwin"):
            await here.result()
        here.manifest.write_text(MANIFEST.replace("Station West", "Station East") % 1)
        with pytest.raises(InvalidArgumentError, match="There is no iTwin named 'Station East'"):
            await here.result()


FILES = int(os.environ.get("PUBLISH_FILES", "100"))


async def test_of_many_files_exactly_the_changed_ones_are_uploaded_and_their_connections_run(tmp_path, record_property):
    folders = FILES * 3 // 20
    async with site(tmp_path, most=20) as here:
        names = [f"f{number % folders}__{number}" for number in range(FILES)]
        here.write(**{name: f"content of {name}" for name in names})
        first = await here.result()
        everything = len(here.emulator.requests)
        assert (first.good, len(first.runs)) == (True, FILES // 20)
        changed = names[7::20]
        here.write(**{name: f"new content of {name}" for name in changed})
        paths = {f"{name.replace('__', '/')}.dgn" for name in changed}
        plan = await here.publish().plan()
        homes = {one.display_name for one in plan.connections if paths & set(one.files)}
        report = await here.result()
        assert {one.path for one in report.files if one.status is FileStatus.UPLOADED} == paths
        assert {report.connections[run.connection_id] for run in report.runs} == homes
        assert len(homes) < FILES // 20
        assert await here.stored() == here.expected()
        later = len(here.emulator.requests) - everything
        record_property(
            "publish",
            f"{FILES} files: {everything} requests, {first.duration:.0f} s; 5 %: {later} requests, "
            f"{report.duration:.0f} s",
        )


@pytest.mark.parametrize(
    ("option", "value"), [("uploads", 0), ("uploads", True), ("bytes_per_second", 0), ("bytes_per_second", "1")]
)
def test_options_that_cannot_be_are_refused_by_name(option, value):
    with pytest.raises(InvalidArgumentError, match=f"^{option} must be .*, not {value!r}"):
        PublishOptions(**{option: value})
