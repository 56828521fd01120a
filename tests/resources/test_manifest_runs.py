"""The trigger of a manifest run: what it sends and refuses."""

import pytest
from support.quick import each
from support.transport import answer, scripted

from bentley_sync_async import (
    ConnectorType,
    DocumentAttribute,
    InvalidArgumentError,
    LocationError,
    ManifestAction,
    ManifestFile,
    RunRef,
)

RUNS = "https://api.example/synchronization/imodels/manifestconnections/c/runs"
MSTN = ConnectorType.MSTN
REFERENCE = ManifestFile(
    id="child", parent_id="f", name="Ref.dgn", url="https://blobs.example/Ref.dgn", connector_type=MSTN, action=None
)
MASTER = ManifestFile(
    id="f",
    name="Master.dgn",
    url="https://blobs.example/Master.dgn?sig=secret",
    connector_type=MSTN,
    document_attribute=DocumentAttribute(
        class_name="ProjectwiseDynamic:PWDocumentLink", properties={"Revision": "R01"}
    ),
    children=[REFERENCE],
)


async def test_the_files_are_sent_as_the_page_shows_them():
    transport, api = scripted(answer(202, location=f"{RUNS}/r"))
    schema = "https://blobs.example/schema.json"
    unmapped = ManifestFile(id="old", connector_type=MSTN, action=ManifestAction.UNMAP)
    triggered = await api.manifest_connections.runs.trigger(
        "c", [MASTER, unmapped], document_attribute_schema_url=schema
    )
    assert triggered.ref == RunRef(connection_id="c", run_id="r", kind="manifest")
    assert (triggered.created, triggered.foreign) == (True, False)
    assert transport.lines == [f"POST {RUNS}"]
    [body] = transport.bodies
    assert body == {
        "documentAttributeSchemaUrl": schema,
        "sourceFiles": [
            {
                "id": "f",
                "name": "Master.dgn",
                "url": "https://blobs.example/Master.dgn?sig=secret",
                "connectorType": "MSTN",
                "action": "bridge",
                "documentAttribute": {
                    "className": "ProjectwiseDynamic:PWDocumentLink",
                    "properties": {"Revision": "R01"},
                },
                "children": [
                    {
                        "id": "child",
                        "parentId": "f",
                        "name": "Ref.dgn",
                        "url": "https://blobs.example/Ref.dgn",
                        "connectorType": "MSTN",
                    }
                ],
            },
            {"id": "old", "connectorType": "MSTN", "action": "unmap"},
        ],
    }


def test_a_signed_url_is_in_no_repr():
    assert "secret" not in repr(MASTER)


@each(
    ("files", "message"),
    [
        ([], "needs at least one file"),
        (["f"], "is a ManifestFile, not str"),
        ([ManifestFile(id="", connector_type=MSTN)], "needs an id"),
        (
            [ManifestFile(id="f", connector_type=MSTN, name="a.dgn")],
            "File f of the manifest run needs a name and",
        ),
        ([ManifestFile(id="f", connector_type=MSTN, url="https://x/a")], "File f of the manifest run needs a name and"),
    ],
)
async def test_impossible_files_are_refused_before_anything_is_sent(files, message):
    transport, api = scripted()
    with pytest.raises(InvalidArgumentError, match=message):
        await api.manifest_connections.runs.trigger("c", files)
    assert transport.sent == []


async def test_a_run_of_a_storage_connection_of_the_same_id_is_another_ones():
    location = RUNS.replace("manifest", "storage") + "/r"
    _, api = scripted(answer(303, location=location))
    triggered = await api.manifest_connections.runs.trigger("c", [MASTER])
    assert (triggered.created, triggered.foreign) == (False, True)
    _, api = scripted(answer(202, location=location))
    with pytest.raises(LocationError, match="another one's"):
        await api.manifest_connections.runs.trigger("c", [MASTER])
