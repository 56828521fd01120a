import copy
import pickle
from datetime import UTC, datetime

import attrs
import pytest
from attrs.exceptions import FrozenInstanceError
from support.pages import payload
from support.quick import each

from bentley_sync_async import models
from bentley_sync_async.errors import ProblemDetail
from bentley_sync_async.models import (
    AuthorizationInformation,
    ConnectionSummary,
    ConnectorType,
    Link,
    OpenEnum,
    Page,
    PagingLinks,
    RunRef,
    SourceFileCreate,
    StorageConnection,
    StorageRun,
    configurations,
    manifests,
    reports,
)
from bentley_sync_async.wire.codec import decode_one

ON_DEMAND = (configurations, manifests, reports)
MODELS = [
    cls
    for module in (models, *ON_DEMAND)
    for name in module.__all__
    if isinstance(cls := getattr(module, name), type) and attrs.has(cls)
]
BY_POSITION = {SourceFileCreate, configurations.KnownSetting}  # written by hand, few obvious fields
_CONTENT = {"synchronization_id": "r", "imodel_id": "i", "connection_id": "c", "result": "success"}
REQUIRED = {
    "Configuration": {"scope_id": "i"},
    "DocumentAttribute": {"class_name": "c"},
    "KnownSetting": {"scope": "imodels", "default": False, "meaning": "x"},
    "ManifestFile": {"id": "f", "connector_type": "MSTN"},
    "ManifestRun": {"connection_id": "c", "files": ()},
    "AuthorizationInformation": {"is_user_authorized": True},
    "RunRef": {"connection_id": "c", "run_id": "r"},
    "SourceFileCreate": {"storage_file_id": "f", "connector_type": "MSTN"},
    "TriggeredRun": {"ref": RunRef(connection_id="c", run_id="r"), "created": True, "foreign": False},
    "WebhookContent": _CONTENT,
    "WebhookMessage": {
        "content": models.WebhookContent(**_CONTENT),
        "event_type": "e",
        "enqueued_date_time": datetime(2026, 11, 22, tzinfo=UTC),
        "itwin_id": "t",
        "message_id": "m",
        "webhook_id": "w",
    },
}
every_model = pytest.mark.parametrize("cls", MODELS, ids=lambda cls: cls.__name__)


def made(cls):
    return cls(**REQUIRED.get(cls.__name__, {"id": "i"} if hasattr(cls, "id") else {}))


def test_everything_of_the_models_is_a_model_an_enum_or_the_error_of_a_run():
    others = {name for name in models.__all__ if getattr(models, name) not in MODELS}
    enums = {cls.__name__ for cls in OpenEnum.__subclasses__()}
    assert others - enums == {"OpenEnum", "RunFailedError", "Transition"}


@every_model
def test_a_model_is_frozen(cls):
    model = made(cls)
    name = attrs.fields(cls)[0].name
    with pytest.raises(FrozenInstanceError):
        setattr(model, name, getattr(model, name))


@every_model
def test_a_model_has_no_room_for_anything_else(cls):
    assert not hasattr(made(cls), "__dict__")


@every_model
def test_the_fields_of_a_model_are_given_by_keyword(cls):
    assert all(field.kw_only for field in attrs.fields(cls)) or cls in BY_POSITION


@every_model
def test_two_models_of_the_same_values_are_equal_and_hash_alike(cls):
    assert made(cls) == made(cls)
    assert hash(made(cls)) == hash(made(cls))


@every_model
@pytest.mark.parametrize("restored", [copy.copy, copy.deepcopy, lambda model: pickle.loads(pickle.dumps(model))])
def test_a_model_survives_copying_and_pickling(cls, restored):
    assert restored(made(cls)) == made(cls)


@every_model
def test_what_a_model_holds_several_of_is_a_tuple(cls):
    assert [field.name for field in attrs.fields(cls) if "list[" in str(field.type) or "dict[" in str(field.type)] == []


def test_a_task_names_its_file_in_storage_or_in_the_manifest():
    made = models.StorageTask
    assert [task.file_id for task in (made(id="t", storage_file_id="f"), made(id="t", source_file_id="g"))] == [
        "f",
        "g",
    ]
    assert made(id="t").file_id is None


def test_a_task_error_has_the_eleven_fields_of_the_page():
    assert [field.name for field in attrs.fields(models.TaskError)] == [
        "error_code", "message", "details", "bridge_exit_code", "system", "phase", "category", "description_key",
        "description", "kb_article_link", "can_user_fix",
    ]  # fmt: skip


def test_a_whole_run_survives_pickling():
    run = decode_one(payload("get-storage-connection-run/200"), "run", StorageRun)
    assert pickle.loads(pickle.dumps(run)) == run


def test_a_run_is_shown_without_its_jobs():
    run = decode_one(payload("get-storage-connection-run/200"), "run", StorageRun)
    assert "StorageTask" not in repr(run)


def test_a_page_is_iterated_and_counted_by_its_items():
    page = Page(items=(1, 2, 3), links=PagingLinks(next=Link(href="n")))
    assert (list(page), len(page)) == ([1, 2, 3], 3)


def test_a_page_without_items_is_empty():
    assert not Page()


def test_a_source_file_to_create_takes_its_connector_by_name():
    assert SourceFileCreate("f", "DWG").connector_type is ConnectorType.DWG


def test_a_source_file_to_create_takes_a_connector_that_is_not_known():
    assert SourceFileCreate("f", "WARP").connector_type.known is False


def test_a_reference_to_a_run_reads_as_a_sentence():
    assert str(RunRef(connection_id="c", run_id="r")) == "run r of connection c"


@each(
    ("detail", "text"),
    [
        (ProblemDetail(code="C", message="M", target="T"), "T: M (C)"),
        (ProblemDetail(code="C", message="M"), "M (C)"),
        (ProblemDetail(), "no message (no code)"),
    ],
)
def test_a_detail_of_a_problem_reads_as_a_line(detail, text):
    assert str(detail) == text


@each("cls", [StorageConnection, ConnectionSummary])
def test_an_entity_needs_its_id(cls):
    with pytest.raises(TypeError, match="id"):
        cls()


def test_whether_a_user_is_authorized_is_never_a_guess():
    with pytest.raises(TypeError, match="is_user_authorized"):
        AuthorizationInformation()
