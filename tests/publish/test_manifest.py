"""Tests of the manifest: what it reads, and that an error names file and key."""

import pytest
from support.quick import each

from bentley_sync_async import ConnectorType, InvalidArgumentError
from bentley_sync_async.publish.manifest import FileSelection, PublishManifest, connector_of

MODEL = '[model]\nitwin = "Station West"\nimodel = "Combined"\nfolder = "Nightly"\n'
FILES = '[[files]]\npath = "cad/**/*.dgn"\nconnector = "MSTN"\n[[files]]\npath = "revit/*.rvt"\n'


def test_a_manifest_names_the_model_and_the_files():
    manifest = PublishManifest.parse(MODEL + FILES)
    model = manifest.model
    assert (model.itwin, model.imodel, model.folder) == ("Station West", "Combined", "Nightly")
    assert (model.create, model.files_per_connection) == (False, 250)
    assert manifest.files == (
        FileSelection(path="cad/**/*.dgn", connector=ConnectorType.MSTN),
        FileSelection(path="revit/*.rvt"),
    )


@each(
    ("text", "message"),
    [
        (MODEL, "nightly.toml: files must be one or more [[files]] tables, each with a path."),
        (FILES, "nightly.toml: [model] is missing."),
        ("model = 1\n" + FILES, "nightly.toml: [model] must be a table."),
        (MODEL + 'files = "cad"', "nightly.toml: model.files is unknown; there are"),
        ('files = "cad"\n' + MODEL, "nightly.toml: files must be one or more [[files]] tables"),
        ("files = [1]\n" + MODEL, "nightly.toml: files[0] must be a table."),
        ("typo = 1\n" + MODEL + FILES, "nightly.toml: typo is unknown; there are files, model."),
        (MODEL + 'imodle = "x"\n' + FILES, "nightly.toml: model.imodle is unknown; there are create, files_per"),
        (MODEL.replace('folder = "Nightly"', "") + FILES, "nightly.toml: model.folder is missing."),
        (MODEL.replace('"Nightly"', '" "') + FILES, "model.folder must be a text that is not empty, not ' '."),
        (MODEL.replace('"Nightly"', "3") + FILES, "model.folder must be a text that is not empty, not 3."),
        (MODEL + 'create = "yes"\n' + FILES, "nightly.toml: model.create must be true or false, not 'yes'."),
        (MODEL + "files_per_connection = 251\n" + FILES, "connection must be a number from 1 to 250, not 251."),
        (MODEL + "files_per_connection = true\n" + FILES, "must be a number from 1 to 250, not True."),
        (MODEL + FILES + "connectr = 1", "nightly.toml: files[1].connectr is unknown; there are connector, path."),
        (MODEL + "[[files]]\n", "nightly.toml: files[0].path is missing."),
        (MODEL + '[[files]]\npath = "/etc/*"', "nightly.toml: files[0].path must be relative to the manifest"),
        (MODEL + '[[files]]\npath = "../*.dgn"', "nightly.toml: files[0].path must be relative to the manifest"),
        (MODEL + '[[files]]\npath = "cad\\\\*.dgn"', "with forward slashes, not 'cad"),
        (MODEL + '[[files]]\npath = "*.dgn"\nconnector = "MTSN"', "files[0].connector must be one of AUTOPLANT, "),
        (MODEL + '[[files]]\npath = "*.dgn"\nconnector = 3', "files[0].connector must be one of AUTOPLANT, "),
        ("[model", "nightly.toml is not TOML: "),
        ("x = " + "[" * 5000, "nightly.toml is not TOML: "),
    ],
)
def test_an_error_names_the_file_and_the_key(text, message):
    with pytest.raises(InvalidArgumentError) as caught:
        PublishManifest.parse(text, name="nightly.toml")
    assert message in str(caught.value)


@each(
    ("path", "connector"),
    [
        ("cad/a.dgn", ConnectorType.MSTN),
        ("cad/A.DGN", ConnectorType.MSTN),
        ("site.i.dgn", ConnectorType.MSTN),
        ("plan.dxf", ConnectorType.DWG),
        ("site.land.xml", ConnectorType.MSTN),
        ("tower.xml", ConnectorType.OPENTOWER),
        ("a.b.c.rvt", ConnectorType.REVIT),
        ("notes.txt", None),
        ("dgn", None),
        (".dgn", ConnectorType.MSTN),
    ],
)
def test_the_connector_follows_from_the_extension(path, connector):
    assert connector_of(path) is connector


def test_a_file_is_read_with_paths_relative_to_its_folder(tmp_path):
    place = tmp_path / "publish.toml"
    place.write_text(MODEL + FILES)
    assert PublishManifest.read(place).folder == tmp_path


@each("content", [None, b"\xff\xfe"])
def test_a_file_that_cannot_be_read_is_named_with_the_reason(content, tmp_path):
    place = tmp_path / "publish.toml"
    if content is not None:
        place.write_bytes(content)
    reason = "No such file or directory" if content is None else "it is not UTF-8"
    with pytest.raises(InvalidArgumentError, match=f"publish.toml cannot be read: {reason}"):
        PublishManifest.read(place)
