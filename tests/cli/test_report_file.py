import os
import stat

import pytest

from bentley_sync_async import InvalidArgumentError
from bentley_sync_async.cli.report_file import ReportFile


def test_nothing_is_there_before_it_is_written(tmp_path):
    ReportFile(str(tmp_path / "report.xml"))
    assert list(tmp_path.iterdir()) == []


def test_it_replaces_what_was_there_and_leaves_nothing_beside(tmp_path):
    path = tmp_path / "report.xml"
    path.write_text("of yesterday")
    ReportFile(str(path)).write("für heute")
    assert [(one.name, one.read_text("utf-8")) for one in tmp_path.iterdir()] == [("report.xml", "für heute")]


def test_only_its_owner_can_read_it(tmp_path):
    path = tmp_path / "report.xml"
    ReportFile(str(path)).write("text")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_it_keeps_the_permissions_that_the_file_had(tmp_path):
    path = tmp_path / "report.xml"
    path.touch()
    path.chmod(0o644)
    ReportFile(str(path)).write("text")
    assert stat.S_IMODE(path.stat().st_mode) == 0o644


def test_a_link_is_refused_and_its_target_is_left(tmp_path):
    link, path = tmp_path / "report.xml", tmp_path / "there.xml"
    path.write_text("of others")
    link.symlink_to(path)
    with pytest.raises(
        InvalidArgumentError, match=r"is a link to .*there\.xml; name that file itself\. Nothing was trigg"
    ):
        ReportFile(str(link))
    assert path.read_text() == "of others"


def test_a_link_under_the_name_of_the_draft_is_not_followed(tmp_path):
    target = tmp_path / "target"
    target.write_text("of others")
    file = ReportFile(str(tmp_path / "report.xml"))
    draft = tmp_path / f".report.xml.{os.getpid()}"
    draft.symlink_to(target)
    with pytest.raises(FileExistsError):
        file.write("text")
    with pytest.raises(InvalidArgumentError, match="File exists"):
        ReportFile(str(tmp_path / "report.xml"))
    assert (draft.is_symlink(), target.read_text(), (tmp_path / "report.xml").exists()) == (True, "of others", False)


def test_a_failure_leaves_what_was_there(tmp_path):
    path = tmp_path / "report.xml"
    path.write_text("of yesterday")
    file = ReportFile(str(path))
    with pytest.raises(UnicodeEncodeError):
        file.write("half \ud800")
    assert [(one.name, one.read_text()) for one in tmp_path.iterdir()] == [("report.xml", "of yesterday")]


@pytest.mark.parametrize("where", ["missing/report.xml", "file/report.xml", ".", "pipe", "a\0b"])
def test_a_place_that_cannot_be_written_is_refused_at_once(where, tmp_path):
    (tmp_path / "file").touch()
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(InvalidArgumentError, match=r"Nothing was triggered\.$"):
        ReportFile(str(tmp_path / where))
