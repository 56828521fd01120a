"""Every enum of the storage-connection half of the API, with all values that any page or official client names.

Sources: `get-storage-connection-runs` (states, results, phases, connector types), `create-storage-connection`
(authentication types, connector types), and the published error catalogue (system, category and phase of an error).
All of them are open: see `OpenEnum`.
"""

from .open_enum import OpenEnum


class ExecutionState(OpenEnum):
    """How far a run, job or task is. Only `COMPLETED` is an end."""

    NOT_STARTED = "NotStarted"
    IDLE = "Idle"
    QUEUED = "Queued"
    WAITING_TO_EXECUTE = "WaitingToExecute"
    WAITING_TO_RETRY = "WaitingToRetry"
    EXECUTING = "Executing"
    FINALIZING = "Finalizing"
    COMPLETED = "Completed"


class ExecutionResult(OpenEnum):
    """What came of a run, job or task. `UNDETERMINED` until it is completed. Only `SUCCESS` is success."""

    UNDETERMINED = "Undetermined"
    SUCCESS = "Success"
    ERROR = "Error"
    PARTIAL_SUCCESS = "PartialSuccess"
    SKIPPED = "Skipped"
    CANCELED = "Canceled"
    TIMED_OUT = "TimedOut"

    @classmethod
    def _other_spellings(cls) -> dict[str, str]:
        # The runs page writes Canceled, the 2021 OpenAPI and the official clients Cancelled.
        return {"Cancelled": "Canceled"}


class JobPhase(OpenEnum):
    """What a run works on: preparation, the master files, then the files that they refer to."""

    PREPROCESSOR = "Preprocessor"
    MASTER_FILE = "MasterFile"
    REFERENCE_FILE = "ReferenceFile"


class ConnectorType(OpenEnum):
    """The connector that reads a source file; the union of all published lists."""

    AUTOPLANT = "AUTOPLANT"
    CIVIL = "CIVIL"
    CIVIL3D = "CIVIL3D"
    DWG = "DWG"
    GEOSPATIAL = "GEOSPATIAL"
    IFC = "IFC"
    MSTN = "MSTN"
    NWD = "NWD"
    OBD = "OBD"
    OPENTOWER = "OPENTOWER"
    REVIT = "REVIT"
    SPPID = "SPPID"
    SPXREVIEW = "SPXREVIEW"
    PROSTRUCTURES = "PROSTRUCTURES"
    PSEXCEL = "PSEXCEL"
    INTELLIPID = "INTELLIPID"
    RVM = "RVM"
    DACQJSON = "DACQJSON"
    AVEVAPID = "AVEVAPID"
    AVEVADIAGRAMS = "AVEVADIAGRAMS"
    SHELLEDWCSV = "SHELLEDWCSV"
    AFFINITYCHECKER = "AFFINITYCHECKER"
    NOT_SET = "NotSet"


class AuthenticationType(OpenEnum):
    """The identity that the service uses for a run: the user who authorized the connection, or the service itself."""

    USER = "User"
    SERVICE = "Service"


class SuggestedAction(OpenEnum):
    """The most severe kind of issue in a synchronization report."""

    ERROR = "Error"
    WARNING = "Warning"
    INFO = "Info"


class TaskErrorSystem(OpenEnum):
    """The part of the service that reported a task's error."""

    CLOUD_ORCHESTRATOR = "cloud_orchestrator"
    EDGE_ORCHESTRATOR = "edge_orchestrator"
    CONNECTOR = "connector"
    EXPORTER = "Exporter"


class TaskErrorCategory(OpenEnum):
    """What a task's error has to do with."""

    NETWORK = "network"
    IMS_TOKEN_ACCESS = "ims_token_access"  # noqa: S105 - a category of errors
    IMODEL_ACCESS = "imodel_access"
    FILE_ACCESS = "file_access"
    DATA_CONFLICT = "data_conflict"
    CONFIGURATION = "configuration"
    OTHER = "other"

    @classmethod
    def _other_spellings(cls) -> dict[str, str]:
        # One key of the published catalogue spells its category FileAccess.
        return {"FileAccess": "file_access"}


class TaskErrorPhase(OpenEnum):
    """The step at which a task failed: those of the cloud orchestrator, then those of the connectors."""

    INITIALIZATION = "initialization"
    PREPROCESSOR = "preprocessor"
    FILE_DOWNLOAD = "file_download"
    FILE_CACHING = "file_caching"
    AFFINITY = "affinity"
    PLANNING = "planning"
    MASTER = "master"
    REFERENCE = "reference"
    POSTPROCESSING = "postprocessing"
    EXTERNAL_TO_RUN_EXECUTION = "external_to_run_execution"
    INTERNAL_SERVER_ERROR = "internal_server_error"
    CONNECTOR_INITIALIZATION = "connector_initialization"
    ACQUIRE_BRIEFCASE = "acquire_briefcase"
    FETCH_FROM_DMS = "fetch_from_dms"
    SCHEMA = "schema"
    DEFINITION_ELEMENTS = "definition_elements"
    FILE_FORMAT = "file_format"
    SPATIAL_ELEMENTS = "spatial_elements"
    SHEET_ELEMENTS = "sheet_elements"
    FINALIZATION = "finalization"
    PULL_MERGE_PUSH = "pull_merge_push"
    WORKSPACE_CHECK = "workspace_check"
    AFFINITY_CHECK = "affinity_check"
    UNMAP = "unmap"
    USER_PERMISSION = "user_permission"
    EXPORT_FILE = "export_file"
