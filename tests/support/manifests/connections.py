"""Manifest connections on an emulator, and manifests for their runs."""

from bentley_sync_async import AuthenticationType, ManifestFile, SynchronizationClient
from bentley_sync_async.emulator import Emulator

SIGNATURE = "planted-signature-of-a-file"


def manifest_files(*ids: str, connector_type: str = "MSTN") -> list[ManifestFile]:
    """Files to synchronize, named `<id>.dgn`; the signatures of their URLs are secrets."""
    return [
        ManifestFile(
            id=one, name=f"{one}.dgn", url=f"https://dms.example/{one}?sig={SIGNATURE}", connector_type=connector_type
        )
        for one in ids
    ]


async def new_manifest_connection(
    emulator: Emulator, client: SynchronizationClient, *ids: str, imodel_id: str | None = None
) -> str:
    """Create a manifest connection of these files, by default of `a` and `b`, and return its id."""
    connection = await client.manifest_connections.create(
        imodel_id or emulator.new_imodel_id(), ids or ("a", "b"), authentication_type=AuthenticationType.SERVICE
    )
    return connection.id
