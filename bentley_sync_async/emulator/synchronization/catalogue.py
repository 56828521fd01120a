"""The published catalogue of errors in runs: key, category, whether the user can fix it, and the help article.

Most texts of the service are not published. Except for the known ones, the texts here are generated from the keys.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from attrs import frozen

_KB = "https://bentleysystems.service-now.com/community?id=kb_article&sysparm_article="

# Key, category, whether the user can fix it, and the knowledge base article if there is one.
_TABLE = """
    briefcase_deleted configuration no
    briefcase_deleted_only_remotely configuration no
    OpenBriefcaseFailed other no
    AllJobsFailed other no
    SomeJobsFailed other no
    RunOrchestrationError other no
    UserNotAuthenticated ims_token_access yes KB0098401
    UserAuthenticationFailed ims_token_access no
    PreprocessingFailed other no
    AccessToDataSourceDenied other yes KB0098347
    FailedToAccessDataSource other yes KB0098389
    RunSchedulingConflict other no
    AffinityReportInvalid other no
    AffinityReportNotFound file_access no
    ConnectorPoolNotFound configuration no
    PreprocessorPoolNotFound configuration no
    IModelNotFound imodel_access yes KB0098390
    IModelAccessForbidden imodel_access yes KB0098408
    ExternalCommunicationError network no
    AzureBatchRegionNotSupported configuration no
    AzureStorageRegionNotSupported configuration no
    FailedToAccessManifest other no
    ManifestIsMalformed other no
    DocumentNotFound file_access yes KB0098413
    BridgeBatchPoolNotFound configuration no
    CloudJobNotFound other no
    CloudJobFailed other no
    CloudTaskNotFound other no
    FailedToRetryTask other no KB0098415
    TaskWasCancelled other no
    BridgeWrapperFailed other no
    BridgingFailed other no
    BridgingSucceededWithCriticalError other no
    NodeBecameUnusable other no
    foreign_format_too_old other yes
    foreign_format_too_new other yes
    launchdarkly_init_failed network no
    legacyV8SchemaError data_conflict no
    protectedFile file_access yes KB0098414
    rootModelNotSpatial data_conflict yes KB0098395#RootNotSpatial
    MissingWorkspace configuration yes KB0098395#MissingWorkspace
    CanNotOpenFile other yes
    UnsupportedFile file_access yes KB0098410
    OutOfMemory configuration no
    GeoLocationFailed data_conflict yes
    iModelHubError imodel_access no
    Unhandled_exception other no
    JobAborted other no
    DrawingFileWithWrongConfig configuration yes KB0098392
    UnmapInputFile configuration yes KB0098403
    UnmapInputFileUnknownError other no KB0098403
    FailedToGenerateSchema configuration no
    InconsistentURL other yes KB0098383
    BimBridgeInitError configuration no
    BridgeJobError configuration no
    BridgeJobAlreadyLoaded other no
    AuthoringApplicationNotFound other no
    FileIDPolicyMismatch configuration no
    ProductInstallationPathNotFound configuration yes KB0098395#ProductInstallationPathNotFound
    ConnectionTimeout network no
    AuthenticationTypeNotSupported configuration yes KB0098405
    UnexpectedError other no
    NotEnoughRightsInCONNECTEDContext file_access yes KB0098395#ProjectSharePermissionMissing
    iModelDmsSupportError file_access no
    AzureBlobURLError file_access yes
    FailedToFetchWorkspaceAndConfigFile configuration yes
    ExportTokenFailed other no
    AffinityReportDownloadFailed other no
    SourceFileDownloadFailed other no
    ConnectorInitializationFailed other no
    NetworkIssue other no
    BriefcaseCloseAndReopenFailed other no
    UserLacksPssPermissions other yes KB0098395#ProductSettingPermissionsMissing
    LockError imodel_access no KB0098388
    GeodeticGCSNotSupported configuration yes KB0098404
    MissingShapefileDbfShx other yes KB0098348#convertingShapeFiles
    CannotGetRepositoryLink other no
    WorksetOverrideNotFound FileAccess yes KB0098387
    SchemaUpgradeFailure other no KB0098400
    CannotOpenADxPIDSource other yes
    CannotOpenSPPIDSource other yes
    IncorrectConfigVariable configuration yes
    NonLinearUnits configuration yes KB0098395#NonLinearUnits
    DuplicateDataFound data_conflict yes KB0098395#DuplicateModels
    AnotherUserPushing imodel_access yes KB0098412
    ZeroByte data_conflict yes
    SourceFileNotAccessible file_access yes KB0098399
    SourceFileIsForbidden file_access yes KB0098397
    SourceFileNotFound file_access yes KB0098398
    SourceFileCorrupted file_access yes KB0098395#SourceFileCorrupted
    IncompleteDxfHeader file_access yes KB0098395#IncompleteDxfFile
    InvalidChangesetGroupId configuration no
    FailedToConnectToRemoteServerApplication file_access yes KB0098451
    FailedToReaquireJobSubject other no
    ECEFAlreadyExistsInIModel configuration yes KB0098345
    AllFilesHaveFailed other no KB0098417
    DwgMissingGeometry other no KB0098314#Dwg_0103
"""

_KNOWN_TEXTS = {
    "AllFilesHaveFailed": "Synchronization job was in the queue for too long and was canceled.",
    "RunOrchestrationError": "Failed to orchestrate Run.",
    "PreprocessingFailed": "Failed to orchestrate Run.",
    "UserNotAuthenticated": "User is not authenticated.",
}


@frozen(kw_only=True)
class CatalogueEntry:
    """One error of the catalogue.

    Attributes:
        key: The `descriptionKey` of a task's error, or the `errorKey` of a run's error.
        category: The category of the error.
        can_user_fix: Whether the user can fix the error.
        kb_article_link: URL of the knowledge base article; empty without an article.
        description: A text for the user.
    """

    key: str
    category: str
    can_user_fix: bool
    kb_article_link: str
    description: str


def _words(key: str) -> str:
    words = re.sub(r"_|(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", " ", key)
    return f"{words[0].upper()}{words[1:].lower()}."


def _entry(line: str) -> CatalogueEntry:
    key, category, fix, *article = line.split()
    return CatalogueEntry(
        key=key,
        category=category,
        can_user_fix=fix == "yes",
        kb_article_link=_KB + article[0] if article else "",
        description=_KNOWN_TEXTS.get(key, _words(key)),
    )


CATALOGUE: Mapping[str, CatalogueEntry] = {
    entry.key: entry for entry in (_entry(line) for line in _TABLE.strip().splitlines())
}
