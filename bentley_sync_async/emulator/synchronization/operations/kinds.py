"""The two kinds of connections: the paths and errors in which their operations differ."""

from __future__ import annotations

from typing import Final

from attrs import frozen

from bentley_sync_async.emulator.platform.problems import ProblemError
from bentley_sync_async.models.run_refs import ConnectionKind


@frozen(kw_only=True)
class Kind:
    """A kind of connections.

    Attributes:
        name: `storage` or `manifest`.
        noun: The word for a connection in codes and texts of errors.
        source_file: The words for a source file in texts of errors.
    """

    name: ConnectionKind
    noun: str
    source_file: str

    @property
    def path(self) -> str:
        """The path of the connections."""
        return f"/synchronization/imodels/{self.name}connections"

    @property
    def code(self) -> str:
        """The code of a 422 about a connection."""
        return f"Invalid{self.noun}Request"

    @property
    def list_code(self) -> str:
        """The code of a 422 about the list of connections."""
        return f"Invalid{self.noun}sRequest"

    @property
    def file_code(self) -> str:
        """The code of a 422 about a source file."""
        return f"Invalid{self.noun}SourceFileRequest"

    @property
    def files_code(self) -> str:
        """The code of a 422 about the list of source files."""
        return f"Invalid{self.noun}SourceFilesRequest"

    @property
    def run_code(self) -> str:
        """The code of a 422 about a run."""
        return f"Invalid{self.noun}RunRequest"

    @property
    def runs_code(self) -> str:
        """The code of a 422 about the list of runs."""
        return f"Invalid{self.noun}RunsRequest"

    def connection_not_found(self) -> ProblemError:
        """Return the 404 for a connection."""
        return ProblemError(404, f"{self.noun}NotFound", f"Requested {self.noun} is not available.")

    def source_file_not_found(self) -> ProblemError:
        """Return the 404 for a source file."""
        return ProblemError(404, f"{self.noun}SourceFileNotFound", f"Requested {self.source_file} is not available.")


STORAGE: Final = Kind(name="storage", noun="StorageConnection", source_file="StorageConnectionSourceFile")
MANIFEST: Final = Kind(name="manifest", noun="ManifestConnection", source_file="ManifestConnection SourceFile")
