"""The answers against the JSON schemas on the page `get-storage-connection-runs`, without any code of the client."""

import copy
import json
from pathlib import Path

import anyio
import jsonschema
import pytest

from bentley_sync_async.emulator import FileRule

pytestmark = pytest.mark.looptime(start=0)
SCHEMAS = Path(__file__).parents[2] / "fixtures" / "get-storage-connection-runs" / "schemas.json"
PAGE = json.loads(SCHEMAS.read_text(encoding="utf-8"))


def without_openapi(schema):
    """Return the page's schema as JSON schema: OpenAPI 3.0 has `nullable` where JSON schema has the type `null`."""
    match schema:
        case {"nullable": True, "type": kind, **rest}:
            return without_openapi({**rest, "type": [kind, "null"]})
        case dict():
            return {key: without_openapi(value) for key, value in schema.items()}
        case list():
            return [without_openapi(item) for item in schema]
    return schema


SCHEMAS = without_openapi(PAGE)


def validate(value, name):
    jsonschema.Draft7Validator({**SCHEMAS, "$ref": f"#/components/schemas/{name}"}).validate(value)


@pytest.mark.parametrize("seed", range(4))
async def test_every_state_of_a_run_matches_the_schema(serving, connections, seed):
    async with serving(seed=seed, error_rate=0.4, retry_rate=0.4) as api:
        files = [("a.dgn", "MSTN"), ("b.dwg", "DWG"), ("c.dgn", "MSTN"), ("d.ifc", "IFC")]
        connection_id = api.emulator.add_connection(files=files)
        run = api.emulator.start_run(connection_id)
        shown = {}
        while shown.get("state") != "Completed":
            shown = await api.run(run)
            validate(shown, "storage-run")
            await anyio.sleep(3)
        path = f"{connections}/{connection_id}/runs"
        validate((await api.get(path)).json, "runs-minimal")
        validate((await api.get(path, headers={"Prefer": "return=representation"})).json, "runs-representation")


async def test_a_task_without_a_report_matches_the_schema(serving):
    async with serving() as api:
        api.emulator.add_file_rule(FileRule(result="TimedOut"))
        run = api.emulator.start_run(api.emulator.add_connection())
        await anyio.sleep(run.plan.timeline.ended)
        shown = await api.run(run)
        assert "details" not in shown["jobs"][0]["tasks"][0]
        validate(shown, "storage-run")


async def test_a_run_without_consent_matches_the_schema(serving):
    async with serving() as api:
        run = api.emulator.start_run(api.emulator.add_connection(authentication_type="User"))
        await anyio.sleep(run.plan.timeline.ended)
        validate(await api.run(run), "storage-run")


@pytest.mark.parametrize("path", ["/x", "/x/runs", "/" + "A" * 43, "/" + "A" * 43 + "/runs?$top=0"])
async def test_every_error_matches_the_schema(serving, connections, path):
    async with serving() as api:
        answer = await api.get(connections + path)
        assert answer.status >= 400
        validate(answer.json, "error-response")


async def test_the_schemas_refuse_undocumented_properties(serving):
    async with serving() as api:
        api.emulator.add_file_rule(FileRule(error="ZeroByte"))
        run = api.emulator.start_run(api.emulator.add_connection())
        await anyio.sleep(run.plan.timeline.ended)
        spoiled = copy.deepcopy(await api.run(run))
        spoiled["jobs"][0]["tasks"][0]["error"]["hint"] = "not on the page"
        with pytest.raises(jsonschema.ValidationError, match="hint"):
            validate(spoiled, "storage-run")
