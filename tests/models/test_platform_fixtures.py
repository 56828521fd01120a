"""What the pages of the neighbouring products print is what the models say."""

import json
import re

import pytest
from support.pages import FIXTURES, payload
from support.quick import each

from bentley_sync_async.errors import DecodeError
from bentley_sync_async.models.platform import (
    Changeset,
    Extent,
    IModel,
    IModelState,
    ITwin,
    NamedVersion,
    StorageFile,
    StorageFolder,
    StorageItem,
    Webhook,
)
from bentley_sync_async.wire.codec import decode_one, decode_page, encode
from bentley_sync_async.wire.problems import api_error, decode_problem

ENTITIES = {
    "complete-file-upload/200": ("file", StorageFile),
    "get-file/200": ("file", StorageFile),
    "create-folder/201": ("folder", StorageFolder),
    "get-imodel-details/200": ("iModel", IModel),
    "get-imodel-changeset-details/200": ("changeset", Changeset),
    "create-imodel-named-version/201": ("namedVersion", NamedVersion),
    "get-itwin/200": ("iTwin", ITwin),
}
LISTS = {
    "get-files-in-folder/200": ("files", StorageFile),
    "get-folders-in-folder/200": ("folders", StorageFolder),
    "get-top-level-folders-and-files-by-itwin/200": ("items", StorageItem),
    "search-for-folders-and-files-in-folder/200": ("items", StorageItem),
    "get-imodel-changesets/200": ("changesets", Changeset),
    "get-webhooks/200": ("webhooks", Webhook),
}
REQUESTS = {"create-file/request", "create-folder/request", "update-file/request"}
UPLOADS = {"create-file/202"}
ERRORS = sorted(
    f"{path.parent.name}/{path.stem}" for path in FIXTURES.glob("platform/*/*.json") if path.stem.startswith("4")
)


def fixture(name):
    return payload(f"platform/{name}")


def plain(value):
    """What a fixture says: without nulls, in microseconds, and in UTC as the service spells it elsewhere."""
    match value:
        case dict():
            return {name: plain(member) for name, member in value.items() if member is not None}
        case list():
            return [plain(item) for item in value]
        case str():
            found = re.fullmatch(r"(\d{4}-\d\d-\d\dT[\d:]+)(\.\d+)?(?:Z|\+00:00)", value)
            if found is None:
                return value
            fraction = (found[2] or "")[:7]
            return f"{found[1]}{fraction if fraction.strip('.0') else ''}".rstrip()
        case _:
            return value


def written(value):
    return plain(json.loads(encode(value)))


def microseconds(value):
    """Dates as they are written, with all six digits of a second."""
    match value:
        case dict():
            return {name: microseconds(member) for name, member in value.items()}
        case list():
            return [microseconds(item) for item in value]
        case str() if found := re.fullmatch(r"(\d{4}-\d\d-\d\dT[\d:]+\.)(\d+)", value):
            return found[1] + found[2].ljust(6, "0")
        case _:
            return value


@each("name", ENTITIES)
def test_an_entity_of_the_pages_is_encoded_again_as_it_was(name):
    key, cls = ENTITIES[name]
    entity = decode_one(fixture(name), key, cls)
    assert microseconds(written({key: entity})) == microseconds(plain(json.loads(fixture(name))))


@each("name", LISTS)
def test_a_list_of_the_pages_is_encoded_again_as_it_was(name):
    key, cls = LISTS[name]
    page = decode_page(fixture(name), key, cls)
    links = {"_links": page.links} if b'"_links": {\n    "self": {\n      "href"' in fixture(name) else {}
    assert microseconds(written({key: page.items, **links})) == microseconds(plain(json.loads(fixture(name))))


@each("name", ERRORS)
def test_an_error_of_the_pages_is_decoded_completely(name):
    documented = json.loads(fixture(name))["error"]
    problem = decode_problem(fixture(name))
    error = api_error(status=int(name[-3:]), headers={}, body=fixture(name), method="GET", url="https://h/x")
    assert (problem.code, problem.message, problem.target) == (
        documented["code"],
        documented["message"],
        documented.get("target"),
    )
    assert documented["message"] in str(error)


def test_every_fixture_is_read_by_one_of_these_tests():
    read = {*ENTITIES, *LISTS, *REQUESTS, *UPLOADS, *ERRORS}
    assert {f"{path.parent.name}/{path.stem}" for path in FIXTURES.glob("platform/*/*.json")} == read


def test_a_list_of_both_has_files_and_folders():
    page = decode_page(fixture("get-top-level-folders-and-files-by-itwin/200"), "items", StorageItem)
    assert [type(item) for item in page] == [StorageFolder, StorageFile]


@each("kind", [None, "shortcut"])
def test_an_item_of_another_kind_is_an_item_of_no_kind(kind):
    body = json.dumps({"items": [{"id": "1", "type": kind, "size": 3}]}).encode()
    (item,) = decode_page(body, "items", StorageItem)
    assert type(item) is StorageItem
    assert item.type == kind


def test_an_item_whose_type_is_no_text_is_a_decode_error():
    with pytest.raises(DecodeError) as caught:
        decode_page(b'{"items": [{"id": "1", "type": ["file"]}]}', "items", StorageItem)
    assert (caught.value.path, caught.value.problem) == ("$.items[0].type", "expected a string")


def test_a_mistake_in_a_file_of_a_mixed_list_is_named_by_its_path():
    with pytest.raises(DecodeError) as caught:
        decode_page(b'{"items": [{"id": "1", "type": "file", "size": "3"}]}', "items", StorageItem)
    assert (caught.value.path, caught.value.problem) == ("$.items[0].size", "expected an integer")


def test_an_extent_has_numbers():
    imodel = decode_one(fixture("get-imodel-details/200"), "iModel", IModel)
    assert isinstance(imodel.extent, Extent)
    assert (imodel.extent.south_west.latitude, imodel.state) == (46.13267702834806, IModelState.INITIALIZED)


@each("number", [46, 46.5, -0.5])
def test_a_coordinate_may_be_written_without_a_fraction(number):
    body = json.dumps({"iModel": {"id": "i", "extent": extent(number)}}).encode()
    assert decode_one(body, "iModel", IModel).extent.north_east.longitude == number


@each("number", ["46", True, [], {}])
def test_a_coordinate_that_is_no_number_is_a_decode_error(number):
    body = json.dumps({"iModel": {"id": "i", "extent": extent(number)}}).encode()
    with pytest.raises(DecodeError, match="expected a number") as caught:
        decode_one(body, "iModel", IModel)
    assert caught.value.path == "$.iModel.extent.northEast.longitude"


def extent(number):
    return {"southWest": {"latitude": 1, "longitude": 2}, "northEast": {"latitude": 3, "longitude": number}}
