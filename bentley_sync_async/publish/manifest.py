"""The manifest of a publish: which files belong to which iModel, as `publish.toml` says it. Pure."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from attrs import frozen

from bentley_sync_async.errors import InvalidArgumentError
from bentley_sync_async.models import ConnectorType

MOST_CONNECTIONS = 100
"""The most connections of an iModel (portal limit, KB0098316)."""

MOST_FILES = 250
"""The most files of a connection (portal limit, KB0098316)."""

# The extensions of the official tool, the first connector of each (facts.md section 8); two parts are looked up first.
_CONNECTORS = {
    ConnectorType.MSTN: "3dm 3ds dae dgn fbx hln i.dgn igs jt land.xml obj sat skp stl stp x_t",
    ConnectorType.DWG: "dwg dxf",
    ConnectorType.GEOSPATIAL: "geodb geojson kml shp",
    ConnectorType.IFC: "ifc",
    ConnectorType.NWD: "nwc nwd",
    ConnectorType.OPENTOWER: "otxml xml",
    ConnectorType.REVIT: "rvt",
    ConnectorType.SPXREVIEW: "vue",
    ConnectorType.SPPID: "pid zip",
    ConnectorType.PSEXCEL: "csv xls xlsx",
    ConnectorType.INTELLIPID: "json",
    ConnectorType.AVEVADIAGRAMS: "vsd",
    ConnectorType.RVM: "rvm",
}
_BY_EXTENSION = {extension: connector for connector, all_of in _CONNECTORS.items() for extension in all_of.split()}


@frozen(kw_only=True)
class ModelTarget:
    """The iModel to publish to, and the folder in Storage for its files.

    Attributes:
        itwin: The iTwin's name or id.
        imodel: The iModel's name or id.
        folder: The name of a folder at the top of the iTwin's Storage; it is created if it is missing.
        create: Whether to create the iModel if it is missing.
        files_per_connection: The most files of a connection, at most 250.
    """

    itwin: str
    imodel: str
    folder: str
    create: bool = False
    files_per_connection: int = MOST_FILES


@frozen(kw_only=True)
class FileSelection:
    """Files to publish.

    Attributes:
        path: A path or a pattern such as `cad/**/*.dgn`, relative to the manifest, with forward slashes.
        connector: The connector for all of them; `None` to choose it by each file's extension.
    """

    path: str
    connector: ConnectorType | None = None


@frozen(kw_only=True)
class PublishManifest:
    """What to publish, and where to.

    Attributes:
        model: The iModel and the folder.
        files: The files; one that several selections match belongs to the first.
        folder: The local folder that the paths are relative to.
    """

    model: ModelTarget
    files: tuple[FileSelection, ...]
    folder: Path = Path()

    @classmethod
    def read(cls, path: str | os.PathLike[str]) -> PublishManifest:
        """Return the manifest of a file; paths are relative to its folder.

        Raises:
            InvalidArgumentError: The file cannot be read, or as for `parse`.
        """
        place = Path(path)
        try:
            text = place.read_text(encoding="utf-8")
        except (OSError, ValueError) as exc:
            reason = exc.strerror if isinstance(exc, OSError) else "it is not UTF-8"
            raise InvalidArgumentError(f"The manifest {place} cannot be read: {reason}.") from exc
        return cls.parse(text, name=str(place), folder=place.parent)

    @classmethod
    def parse(cls, text: str, *, name: str = "publish.toml", folder: Path = Path()) -> PublishManifest:
        """Return the manifest of a TOML text.

        Args:
            text: The text.
            name: The name of its file, for messages.
            folder: The local folder that the paths are relative to.

        Raises:
            InvalidArgumentError: It is no TOML, or a key is missing, unknown or has a wrong value; the message names
                the file and the key.
        """
        try:
            found = tomllib.loads(text)
        except (tomllib.TOMLDecodeError, RecursionError) as exc:
            raise InvalidArgumentError(f"{name} is not TOML: {exc}.") from exc
        reader = _Reader(name)
        reader.refuse_unknown(found, "", {"model", "files"})
        model = _model(reader, reader.table(found, "model"))
        selections = found.get("files")
        if not isinstance(selections, list) or not selections:
            raise reader.error("files", "must be one or more [[files]] tables, each with a path")
        return cls(
            model=model,
            files=tuple(_selection(reader, one, f"files[{at}]") for at, one in enumerate(selections)),
            folder=folder,
        )


class _Reader:
    """Reads the values of a table; its errors name the file and the key."""

    def __init__(self, name: str) -> None:
        self._name = name

    def error(self, key: str, what: str) -> InvalidArgumentError:
        return InvalidArgumentError(f"{self._name}: {key} {what}.")

    def table(self, found: Mapping[str, Any], key: str) -> Mapping[str, Any]:
        value = found.get(key)
        if not isinstance(value, dict):
            raise self.error(f"[{key}]", "is missing" if value is None else "must be a table")
        return value

    def text(self, found: Mapping[str, Any], place: str, key: str) -> str:
        value = found.get(key)
        if not isinstance(value, str) or not value.strip():
            raise self.error(
                f"{place}.{key}", "is missing" if value is None else f"must be a text that is not empty, not {value!r}"
            )
        return value

    def refuse_unknown(self, found: Mapping[str, Any], place: str, known: set[str]) -> None:
        if unknown := sorted(found.keys() - known):
            key = f"{place}.{unknown[0]}" if place else unknown[0]
            raise self.error(key, f"is unknown; there are {', '.join(sorted(known))}")


def _model(reader: _Reader, found: Mapping[str, Any]) -> ModelTarget:
    reader.refuse_unknown(found, "model", {"itwin", "imodel", "folder", "create", "files_per_connection"})
    create = found.get("create", False)
    if not isinstance(create, bool):
        raise reader.error("model.create", f"must be true or false, not {create!r}")
    most = found.get("files_per_connection", MOST_FILES)
    if not isinstance(most, int) or isinstance(most, bool) or not 1 <= most <= MOST_FILES:
        raise reader.error("model.files_per_connection", f"must be a number from 1 to {MOST_FILES}, not {most!r}")
    itwin, imodel, folder = (reader.text(found, "model", key) for key in ("itwin", "imodel", "folder"))
    return ModelTarget(itwin=itwin, imodel=imodel, folder=folder, create=create, files_per_connection=most)


def _selection(reader: _Reader, found: object, place: str) -> FileSelection:
    if not isinstance(found, dict):
        raise reader.error(place, "must be a table")
    reader.refuse_unknown(found, place, {"path", "connector"})
    path = reader.text(found, place, "path")
    pure = PurePosixPath(path)
    if pure.is_absolute() or ".." in pure.parts or "\\" in path:
        raise reader.error(
            f"{place}.path", f"must be relative to the manifest, below it and with forward slashes, not {path!r}"
        )
    connector = found.get("connector")
    if connector is not None:
        if not isinstance(connector, str) or not ConnectorType(connector).known:
            raise reader.error(f"{place}.connector", f"must be one of {', '.join(ConnectorType)}, not {connector!r}")
        connector = ConnectorType(connector)
    return FileSelection(path=path, connector=connector)


def connector_of(path: str) -> ConnectorType | None:
    """Return the connector that reads files of this extension by default; `None` if none is known."""
    name = PurePosixPath(path).name.lower()
    _, *parts = name.split(".")
    for extension in (".".join(parts[-2:]), ".".join(parts[-1:])):
        if extension in _BY_EXTENSION:
            return _BY_EXTENSION[extension]
    return None
