"""What verbs read: files of manifests, settings, source files; and what they do when a step of several fails."""

import io
import sys
from types import SimpleNamespace

import pytest

from bentley_sync_async import ConnectorType, InvalidArgumentError, ManifestAction, ServerError
from bentley_sync_async.cli.lookup import Lookup
from bentley_sync_async.cli.verbs.session import Session
from bentley_sync_async.cli.work.configurations import parse_settings, unset_settings
from bentley_sync_async.cli.work.connections import source_file
from bentley_sync_async.cli.work.manifests import read_files
from bentley_sync_async.cli.work.reports import _rank, _safe
from bentley_sync_async.models.configurations import Configuration

URL = "https://blobs.example/a.dgn?sig=hush"
FILE = f'[[file]]\nid = "doc-1"\nname = "a.dgn"\nconnector = "mstn"\nurl = "{URL}"\n'
CHILD = '[[file.children]]\nid = "doc-2"\nconnector = "DWG"\nrelative_path = "refs"\n'


def files_of(text, tmp_path):
    (tmp_path / "files.toml").write_text(text)
    return read_files(str(tmp_path / "files.toml"))


def test_files_of_a_manifest_have_connectors_actions_and_children(tmp_path):
    first, second = files_of(FILE + CHILD + '[[file]]\nid = "doc-3"\nconnector = "IFC"\naction = "unmap"\n', tmp_path)
    assert (first.url, first.connector_type, first.action) == (URL, ConnectorType.MSTN, ManifestAction.BRIDGE)
    [child] = first.children
    assert (child.parent_id, child.action, child.relative_path) == ("doc-1", None, "refs")
    assert second.action == ManifestAction.UNMAP


def test_files_of_a_manifest_may_come_by_a_pipe(monkeypatch):
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(FILE.encode())))
    assert [file.id for file in read_files("-")] == ["doc-1"]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "must have a table [[file]]"),
        (f"url = '{URL}'", "must have a table [[file]]"),
        (f"{FILE}\nurl = {URL}", "is no TOML file"),
        (FILE.replace("id =", "key ="), "is a table with an id"),
        (FILE.replace('connector = "mstn"', ""), "has no connector"),
        (FILE.replace("name =", "size ="), "has size, which no file has"),
        (FILE.replace("[[file]]", "[file]"), "must have a table [[file]]"),
        ("\xff", "is no TOML file"),
    ],
)
def test_what_is_no_list_of_files_is_refused_without_its_urls(text, problem, tmp_path):
    with pytest.raises(InvalidArgumentError) as refused:
        files_of(text, tmp_path)
    assert problem in str(refused.value)
    assert "hush" not in str(refused.value)
    assert refused.value.__cause__ is None


def test_a_file_that_is_not_utf_8_is_refused(tmp_path):
    (tmp_path / "files.toml").write_bytes(b'[[file]]\nid = "\xff"')
    with pytest.raises(InvalidArgumentError, match="not UTF-8"):
        read_files(str(tmp_path / "files.toml"))


def test_settings_are_truth_values_numbers_or_texts():
    assert parse_settings(["a=true", "b=False", "c=3", "d=0.5", "e=x=y", "f="]) == {
        "a": True,
        "b": False,
        "c": 3,
        "d": 0.5,
        "e": "x=y",
        "f": "",
    }


@pytest.mark.parametrize("text", ["clampZExtend", "=true", ""])
def test_a_setting_without_name_or_value_is_refused(text):
    with pytest.raises(InvalidArgumentError, match="SETTING=VALUE"):
        parse_settings([text])


class Broken:
    """The configurations of a scope whose service fails after the deletion."""

    def __init__(self, settings):
        self.settings = settings

    async def get(self, scope_id):
        return Configuration(scope_id=scope_id, settings=self.settings)

    async def delete(self, scope_id):
        self.settings = {}

    async def create(self, scope_id, settings):
        raise ServerError(status=503, method="POST", url="https://api.example/x")


def a_session(settings):
    client = SimpleNamespace(configurations=SimpleNamespace(imodels=Broken(settings)))
    return Session(client=client, lookup=Lookup(client), yes=True, ask=None)


IMODEL = "fdb67991-f6b6-4ae0-bcb2-ed309159fc7b"


async def test_settings_that_are_lost_by_a_failure_can_be_set_again_by_the_command_that_is_named(capsys):
    with pytest.raises(ServerError):
        await unset_settings(a_session({"a": True, "b": 3}), "imodel", IMODEL, ["a"])
    assert capsys.readouterr().err.splitlines()[-1] == f"  bentley-sync config set imodel {IMODEL} b=3"


async def test_the_last_setting_leaves_no_configuration():
    done = await unset_settings(a_session({"a": True}), "imodel", IMODEL, ["a"])
    assert done.text == f"Unset a of the imodel {IMODEL}; no setting is left."


async def test_a_setting_that_is_not_set_is_answered_with_those_that_are():
    with pytest.raises(InvalidArgumentError, match=r"^clampZExtend is not set\. Did you mean 'clampZExtent'\?$"):
        await unset_settings(a_session({"clampZExtent": True}), "imodel", IMODEL, ["clampZExtend"])


PAIR = "kXm2_bb24Eq8su0wkVn8e1VZkVMuSINPg4jCAQ5pAI0"


@pytest.mark.parametrize(
    ("text", "connector", "kind"),
    [(f"{PAIR}:ifc", None, "IFC"), (PAIR, "mstn", "MSTN"), (f"{PAIR}:IFC", "MSTN", "IFC")],
)
async def test_the_connector_of_a_file_is_its_own_or_that_of_all(text, connector, kind):
    created = await source_file(a_session({}), text, connector)
    assert (created.storage_file_id, created.connector_type) == (PAIR, ConnectorType(kind))


async def test_a_file_without_a_connector_is_refused():
    with pytest.raises(InvalidArgumentError, match="Which connector reads"):
        await source_file(a_session({}), PAIR, None)


def test_the_gravest_issues_come_first_and_unknown_levels_last():
    assert sorted(["Info", "New", "Fatal", "Warning", "Error"], key=_rank) == [
        "Fatal",
        "Error",
        "Warning",
        "Info",
        "New",
    ]


def test_the_name_of_a_report_s_file_is_no_path():
    assert _safe("../a b/c-1_2") == "___a_b_c-1_2"
