"""The documented errors that only the Synchronization API has, with the texts of its pages."""

from __future__ import annotations

from bentley_sync_async.emulator.platform.problems import Detail, ProblemError

NO_IMODEL_ID: Detail = ("MissingRequiredProperty", "imodelId was not provided.", "imodelId")
NO_FILES: Detail = (
    "MissingRequiredProperty",
    "At least one input file must be included to create a ConnectionDefinition.",
    "sourceFiles",
)
CONNECTOR_TYPE: Detail = (
    "InvalidValue",
    (
        "connectorType must be one of: 'AUTOPLANT', 'CIVIL', 'CIVIL3D', 'DACQJSON', 'DWG', 'GEOSPATIAL', 'IFC', "
        "'INTELLIPID', 'MSTN', 'NWD', 'OBD', 'OPENTOWER', 'PROSTRUCTURES', 'PSEXCEL', 'REVIT', 'SPPID', 'SPXREVIEW'."
    ),
    "connectorType",
)
AUTHENTICATION_TYPE: Detail = (
    "InvalidValue",
    "authenticationType must be one of: 'User', 'Service'.",
    "authenticationType",
)
ACTION: Detail = ("InvalidValue", "action must be one of: 'bridge', 'unmap'.", "action")
REDIRECT_URL: Detail = ("InvalidValue", "redirectUrl should be a valid URL.", "redirectUrl")


def run_not_found() -> ProblemError:
    """Return the 404 for a run."""
    return ProblemError(404, "ConnectionRunNotFound", "Requested Connection Run not available.")


def already_mapped() -> ProblemError:
    """Return the 409 for a file that is already mapped to the iModel."""
    return ProblemError(
        409, "FileMappingToTheIModelAlreadyExists", "One or more SourceFiles are already mapped to the iModel."
    )


def file_already_mapped() -> ProblemError:
    """Return the 409 for a file that is added to a manifest connection, in the words of that page."""
    return ProblemError(409, "FileMappingToTheIModelAlreadyExists", "The SourceFile is already mapped to the iModel.")


def already_processing() -> ProblemError:
    """Return the 409 for a trigger while another trigger of the iModel is being accepted."""
    return ProblemError(409, "ConflictWithAnotherIModelRequest", "The iModel is already processing this request.")


def already_in_use() -> ProblemError:
    """Return the 409 for deleting a connection that has an active run."""
    return ProblemError(409, "ConnectionAlreadyInUse", "Connection is already being processed.")


def configuration_not_found() -> ProblemError:
    """Return the 404 for a configuration."""
    return ProblemError(404, "ConfigurationNotFound", "Requested Configuration is not available.")


def missing(name: str) -> Detail:
    """Return the detail of a missing property."""
    return ("MissingRequiredProperty", "A property required to create or update a connection is missing.", name)
