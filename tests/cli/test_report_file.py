import os
import secrets
import stat

import pytest

from bentley_sync_async import InvalidArgumentError, files
from bentley_sync_async.cli.report_file import ReportFile


def test_nothing_is_there_before_it_is_written(tmp_path):
    ReportFile(str(tmp_path / "report.xml"))
    assert list(tmp_path.iterdir()) == []


def test_it_replaces_what_was_there_and_leaves_nothing_beside(tmp_path):
    path = tmp_path / "report.xml"
    path.write_text("of yesterday")
    ReportFile(str(path)).write("für heute")
    assert [(one.name, one.read_text("utf-8")) for one in tmp_path.iterdir()] == [("report.xml", "für heute")]


def test_it_is_for_its_owner_only(tmp_path):
    path = tmp_path / "report.xml"
    path.touch()
    path.chmod(0o644)
    before = os.umask(0)
    try:
        ReportFile(str(path)).write("text")
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize("there", [True, False], ids=["a link", "a link to nowhere"])
def test_a_link_is_refused_and_its_target_left_alone(there, tmp_path):
    link, target = tmp_path / "report.xml", tmp_path / "target"
    if there:
        target.write_text("theirs")
    link.symlink_to(target)
    with pytest.raises(
        InvalidArgumentError, match=r"report\.xml is a link: name the file itself\. Nothing was triggered"
    ):
        ReportFile(str(link))
    assert link.is_symlink()
    assert not there or target.read_text() == "theirs"
    assert target.exists() == there


def test_a_link_that_comes_after_the_check_is_replaced_and_its_target_left_alone(tmp_path):
    path, target = tmp_path / "report.xml", tmp_path / "target"
    file = ReportFile(str(path))
    target.write_text("theirs")
    path.symlink_to(target)
    file.write("ours")
    assert (path.is_symlink(), path.read_text(), target.read_text()) == (False, "ours", "theirs")


def test_a_link_under_the_name_of_the_draft_is_an_error_and_its_target_left_alone(tmp_path, monkeypatch):
    monkeypatch.setattr(secrets, "token_hex", lambda size: "guessed")
    path, target, draft = tmp_path / "report.xml", tmp_path / "target", tmp_path / ".guessed.draft"
    file = ReportFile(str(path))
    target.write_text("theirs")
    draft.symlink_to(target)
    with pytest.raises(FileExistsError):
        file.write("ours")
    assert (draft.is_symlink(), target.read_text(), path.exists()) == (True, "theirs", False)


def test_no_draft_has_a_name_that_can_be_guessed(tmp_path, monkeypatch):
    names = []
    create = files.create

    def noting(path):
        names.append(path.name)
        return create(path)

    monkeypatch.setattr(files, "create", noting)
    for _ in range(2):
        ReportFile(str(tmp_path / "report.xml")).write("text")
    assert len(set(names)) == 4


def test_a_failure_leaves_what_was_there(tmp_path):
    path = tmp_path / "report.xml"
    path.write_text("of yesterday")
    file = ReportFile(str(path))
    with pytest.raises(UnicodeEncodeError):
        file.write("half \ud800")
    assert [(one.name, one.read_text()) for one in tmp_path.iterdir()] == [("report.xml", "of yesterday")]


@pytest.mark.parametrize("where", ["missing/report.xml", "file/report.xml", ".", "pipe", "a\0b", "x" * 300])
def test_a_place_that_cannot_be_written_is_refused_at_once(where, tmp_path):
    (tmp_path / "file").touch()
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(InvalidArgumentError, match=r"Nothing was triggered\.$"):
        ReportFile(str(tmp_path / where))
