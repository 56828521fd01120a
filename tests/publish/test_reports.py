"""The diagnostic reports of files that could not be synchronized, saved on request."""

import json
from pathlib import Path

import pytest
from publish.site import site

from bentley_sync_async import InvalidArgumentError
from bentley_sync_async.emulator import FaultRule, FileRule

LISTING, CONTENT = "/reports$", "/diagnosticreports/"


def source(place):
    """The file that a saved report is about."""
    return json.loads(Path(place).read_text())["sourceFilesInfo"]["fileName"]


async def saved(here, folder):
    async with here.publish() as publish:
        await publish.result()
        return await publish.save_reports(folder)


async def test_each_failed_file_has_its_report_in_a_file_of_its_name(tmp_path):
    async with site(tmp_path) as here:
        here.emulator.add_file_rule(FileRule(file_name="b.dgn", error="SourceFileCorrupted"))
        here.write(a="one", b="two", sub__b="three")
        reports = await saved(here, tmp_path / "new" / "reports")
        assert dict(reports.missing) == {}
        assert {path: Path(place).name for path, place in reports.saved.items()} == {
            "b.dgn": "b.dgn.json",
            "sub/b.dgn": "sub_b.dgn.json",
        }
        assert [source(place) for place in reports.saved.values()] == ["b.dgn", "b.dgn"]
        assert str(reports).startswith("Diagnostic report of b.dgn: ")


async def test_two_paths_that_differ_only_in_odd_characters_have_two_files(tmp_path):
    async with site(tmp_path) as here:
        here.emulator.add_file_rule(FileRule(error="SourceFileCorrupted"))
        here.write(**{"a+b": "one", "a#b": "two"})
        reports = await saved(here, tmp_path / "reports")
        assert sorted(Path(place).name for place in reports.saved.values()) == ["a_b.dgn 2.json", "a_b.dgn.json"]


async def test_runs_without_failed_files_have_none(tmp_path):
    async with site(tmp_path) as here:
        here.write(a="one")
        reports = await saved(here, tmp_path / "reports")
        assert (reports.saved, reports.missing, str(reports)) == ({}, {}, "")


@pytest.mark.parametrize("path", [LISTING, CONTENT])
async def test_a_report_that_cannot_be_read_is_told_with_the_reason(path, tmp_path):
    async with site(tmp_path) as here:
        here.emulator.add_file_rule(FileRule(error="SourceFileCorrupted"))
        here.write(a="one")
        async with here.publish() as publish:
            await publish.result()
            here.emulator.add_fault(FaultRule(path=path, status=403))
            reports = await publish.save_reports(tmp_path / "reports")
        assert reports.saved == {}
        assert "403" in reports.missing["a.dgn"]
        assert str(reports).startswith("No diagnostic report of a.dgn: ")


async def test_a_folder_that_cannot_be_written_is_named(tmp_path):
    async with site(tmp_path) as here:
        here.write(a="one")
        (tmp_path / "reports").touch()
        with pytest.raises(InvalidArgumentError, match="reports cannot be written: File exists"):
            await saved(here, tmp_path / "reports")
