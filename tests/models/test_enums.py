import copy
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.quick import each

from bentley_sync_async import AuthenticationType, ConnectorType, ExecutionResult, ExecutionState, JobPhase
from bentley_sync_async.models import OpenEnum, SuggestedAction, TaskErrorCategory, TaskErrorPhase, TaskErrorSystem
from bentley_sync_async.models.manifests import ManifestAction
from bentley_sync_async.models.reports import AuditCategory, AuditLevel, ReportOperation, ReportType, SourceFileState

# Every value that any page, official client or published catalogue names.
VALUES = {
    ConnectorType: (
        "AUTOPLANT CIVIL CIVIL3D DWG GEOSPATIAL IFC MSTN NWD OBD OPENTOWER REVIT SPPID SPXREVIEW PROSTRUCTURES PSEXCEL "
        "INTELLIPID RVM DACQJSON AVEVAPID AVEVADIAGRAMS SHELLEDWCSV NotSet AFFINITYCHECKER"
    ),
    ExecutionState: "NotStarted Idle WaitingToExecute WaitingToRetry Executing Finalizing Completed Queued",
    ExecutionResult: "Undetermined Success Error PartialSuccess Skipped Canceled TimedOut",
    JobPhase: "Preprocessor MasterFile ReferenceFile",
    AuthenticationType: "User Service",
    SuggestedAction: "Error Warning Info",
    TaskErrorSystem: "cloud_orchestrator edge_orchestrator connector Exporter",
    TaskErrorCategory: (
        "network ims_token_access imodel_access file_access data_conflict configuration other"
    ),
    TaskErrorPhase: (
        "initialization preprocessor file_download file_caching affinity planning master reference postprocessing "
        "external_to_run_execution internal_server_error connector_initialization acquire_briefcase fetch_from_dms "
        "schema definition_elements file_format spatial_elements sheet_elements finalization pull_merge_push "
        "workspace_check affinity_check unmap user_permission export_file"
    ),
    ManifestAction: "bridge unmap",
    ReportType: "detailReport summaryReport TransformationUserReport",
    ReportOperation: "NORMAL_UPDATE AllDocsProcessed",
    SourceFileState: "Missing Hidden",
    AuditLevel: "Fatal Error Critical Warning Info",
    AuditCategory: (
        "Authorization BriefcaseToiModel BusinessProperties Compatibility CorruptData DigitalRights DiskIO Filtering "
        "IModel InconsistentData InputFiles MissingData Synchronization ToolkitError UnexpectedData Unknown "
        "Unsupported VisualFidelity"
    ),
}  # fmt: skip
KNOWN = [(enum, value) for enum, values in VALUES.items() for value in values.split()]
OTHER_SPELLINGS = [
    (ExecutionResult, "Cancelled", ExecutionResult.CANCELED),
    (TaskErrorCategory, "FileAccess", TaskErrorCategory.FILE_ACCESS),
    (ReportOperation, "NormalUpdate", ReportOperation.NORMAL_UPDATE),
]
every_enum = each("enum", VALUES)


def test_these_are_all_the_enums_there_are():
    # Those of the neighbouring products are loaded with them; test_platform_fixtures.py has them.
    assert {one for one in OpenEnum.__subclasses__() if ".platform" not in one.__module__} == set(VALUES)


@each(("enum", "value"), KNOWN)
def test_a_published_value_is_a_member(enum, value):
    member = enum(value)
    assert member.known
    assert member in list(enum)


@every_enum
def test_an_enum_has_the_published_values_and_no_others(enum):
    assert {member.value for member in enum} == set(VALUES[enum].split())


@each(("enum", "value"), KNOWN)
def test_a_member_is_named_after_its_value(enum, value):
    assert enum(value).name.replace("_", "").lower() == value.replace("_", "").lower()


@each(("enum", "spelling", "member"), OTHER_SPELLINGS)
def test_another_spelling_of_a_value_is_the_same_member(enum, spelling, member):
    assert enum(spelling) is member


@each(("enum", "spelling", "member"), OTHER_SPELLINGS)
def test_another_spelling_is_encoded_as_the_value_it_stands_for(enum, spelling, member):
    assert str(enum(spelling)) == member.value != spelling


@every_enum
def test_a_member_is_its_text(enum):
    assert [f"{member}" for member in enum] == list(enum) == [member.value for member in enum]


@every_enum
class TestAnUnknownValue:
    def test_keeps_its_text(self, enum):
        unknown = enum("Hibernating")
        assert (str(unknown), f"{unknown}", unknown.value, unknown.name) == ("Hibernating",) * 4

    def test_is_of_its_enum(self, enum):
        assert type(enum("Hibernating")) is enum

    def test_says_that_it_is_not_known(self, enum):
        assert enum("Hibernating").known is False

    def test_equals_another_one_of_the_same_text(self, enum):
        assert enum("Hibernating") == enum("Hibernating") == "Hibernating"

    def test_differs_from_one_of_another_text(self, enum):
        assert enum("Hibernating") != enum("Hovering")

    def test_is_found_in_a_set_and_a_dict(self, enum):
        assert enum("Hibernating") in {enum("Hibernating"), enum("Hovering")}
        assert {enum("Hibernating"): 1}["Hibernating"] == 1

    def test_is_no_member(self, enum):
        unknown = enum("Hibernating")
        assert unknown not in list(enum)
        assert "Hibernating" not in enum.__members__

    def test_does_not_become_known_by_being_seen(self, enum):
        before = list(enum)
        enum("Hibernating")
        assert list(enum) == before
        assert enum("Hibernating").known is False

    def test_survives_pickling(self, enum):
        restored = pickle.loads(pickle.dumps(enum("Hibernating")))
        assert (restored, restored.known, type(restored)) == ("Hibernating", False, enum)

    @each("copied", [copy.copy, copy.deepcopy])
    def test_survives_copying(self, enum, copied):
        restored = copied(enum("Hibernating"))
        assert (restored, restored.known, type(restored)) == ("Hibernating", False, enum)

    def test_is_shown_as_what_made_it(self, enum):
        assert repr(enum("Hibernating")) == f"{enum.__name__}('Hibernating')"

    def test_may_be_spelled_like_a_member_in_another_case(self, enum):
        other = next(iter(enum)).value.swapcase()
        assert enum(other).known is False


@every_enum
def test_a_member_is_shown_by_its_name(enum):
    assert [repr(member) for member in enum] == [f"{enum.__name__}.{member.name}" for member in enum]


@every_enum
@each("restored", [copy.copy, copy.deepcopy, lambda member: pickle.loads(pickle.dumps(member))])
def test_a_member_is_still_the_same_member_after_copying_and_pickling(enum, restored):
    assert all(restored(member) is member for member in enum)


@every_enum
@each("value", [None, 5, b"Success", ["Success"]])
def test_what_is_no_text_is_no_value(enum, value):
    with pytest.raises(ValueError, match="is not a valid"):
        enum(value)


@given(st.sampled_from(list(VALUES)), st.text())
def test_any_text_is_a_value_of_any_enum(enum, text):
    value = enum(text)
    assert value.known or str(value) == text
    assert enum(str(value)) == value
    assert hash(value) == hash(str(value))
