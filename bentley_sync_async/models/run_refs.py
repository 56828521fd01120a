"""References to runs: which run of which connection, and the answer to a trigger."""

from typing import Literal

from attrs import frozen

ConnectionKind = Literal["storage", "manifest"]


@frozen(kw_only=True)
class RunRef:
    """Names one run of one connection; enough to request it again, in another process, too.

    Attributes:
        connection_id: The connection that the run belongs to.
        run_id: The run. A GUID in practice; treat it as opaque.
        kind: `storage`, or `manifest` for a run of a manifest connection (one can occupy an iModel as well).
    """

    connection_id: str
    run_id: str
    kind: ConnectionKind = "storage"

    def __str__(self) -> str:
        return f"run {self.run_id} of connection {self.connection_id}"


@frozen(kw_only=True)
class TriggeredRun:
    """The answer to a trigger (page `run-storage-connection`).

    Attributes:
        ref: The run that the Location names.
        created: Whether the trigger created it (202). If not (303), it was active on the iModel already.
        foreign: Whether it belongs to another connection of the same iModel.
    """

    ref: RunRef
    created: bool
    foreign: bool
