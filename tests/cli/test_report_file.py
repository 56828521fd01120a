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


def test_others_can_read_it(tmp_path):
    path = tmp_path / "report.xml"
    plain = tmp_path / "plain"
    plain.touch()
    ReportFile(str(path)).write("text")
    assert stat.S_IMODE(path.stat().st_mode) == stat.S_IMODE(plain.stat().st_mode)


def test_what_a_link_points_to_is_replaced(tmp_path):
    (tmp_path / "there").mkdir()
    link, path = tmp_path / "report.xml", tmp_path / "there" / "report.xml"
    link.symlink_to(path)
    ReportFile(str(link)).write("text")
    assert link.is_symlink()
    assert path.read_text() == "text"


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
