"""Configurations: how the data of an iTwin, an iModel or a connection is synchronized. Loaded when first used.

Pages: `create-itwin-configuration`, `create-imodel-configuration`, `create-connection-configuration`, and those that
get, patch and delete them. A technology preview of the service. Settings are open: the service may have more of them
than `KNOWN_SETTINGS`, and their names are the service's own.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, Literal, TypeAlias

from attrs import field, frozen

__all__ = [
    "KNOWN_SETTINGS",
    "Configuration",
    "ConfigurationScope",
    "KnownSetting",
    "SettingValue",
]

SettingValue: TypeAlias = bool | int | float | str
"""The value of a setting."""

ConfigurationScope: TypeAlias = Literal["itwins", "imodels", "connections"]
"""What a configuration applies to. A narrower scope inherits from the wider one: iTwin, iModel, connection."""


def _copy(settings: Mapping[str, SettingValue]) -> Mapping[str, SettingValue]:
    return dict(settings)


@frozen(kw_only=True)
class Configuration:
    """The configuration of an iTwin, iModel or connection.

    Attributes:
        scope_id: The iTwin, iModel or connection.
        settings: What is set there, by the service's names, such as `clampZExtent`.
        resolved_settings: What is in force: `settings`, what the wider scopes set, and the defaults.
    """

    scope_id: str
    settings: Mapping[str, SettingValue] = field(factory=dict, converter=_copy, hash=False)
    resolved_settings: Mapping[str, SettingValue] = field(factory=dict, converter=_copy, hash=False)


@frozen
class KnownSetting:
    """A setting that the pages name.

    Attributes:
        scope: Where it can be set.
        default: Its default.
        meaning: What it does.
    """

    scope: ConfigurationScope
    default: SettingValue
    meaning: str


KNOWN_SETTINGS: Final[Mapping[str, KnownSetting]] = MappingProxyType(
    {
        "uploadDgnRealityData": KnownSetting(
            "itwins", default=True, meaning="Uploads reality data of DGN files, which costs Reality Data credits."
        ),
        "convertDgnTerrainModels": KnownSetting("itwins", default=False, meaning="Converts terrain models of DGN."),
        "squashIntermediateRevisions": KnownSetting(
            "itwins", default=False, meaning="Makes one changeset of the elements of all files."
        ),
        "convertDgnHyperModelingSections": KnownSetting(
            "itwins", default=True, meaning="Shows the graphics of 2D sections within the 3D model."
        ),
        "skipRvtReprojection": KnownSetting("itwins", default=False, meaning="Does not reproject Revit files."),
        "allowRevitIgnoreGcs": KnownSetting(
            "itwins", default=False, meaning="Lets Revit files ignore the coordinate system (on one page only)."
        ),
        "clampZExtent": KnownSetting(
            "imodels", default=False, meaning="Limits the height of the project's extent to 8849 m."
        ),
        "overrideRvtReprojectionDistance": KnownSetting(
            "imodels", default=0, meaning="Metres beyond which the location of a Revit file is ignored."
        ),
        "ignoreIfcGlobalIds": KnownSetting("imodels", default=False, meaning="Ignores the global ids of IFC files."),
        "reclassifyDgnElements": KnownSetting("connections", default=False, meaning="Reclassifies elements of DGN."),
        "ignoreDgnAttachments": KnownSetting(
            "connections", default=False, meaning="Ignores the attachments of DGN and DWG files."
        ),
        "enableSheetsAndDrawings": KnownSetting(
            "connections", default=False, meaning="Synchronizes sheets and drawings."
        ),
        "enableC3dGraphsIn2dModel": KnownSetting(
            "connections", default=False, meaning="Puts graphs of Civil 3D into 2D models."
        ),
        "enableSheetIndex": KnownSetting("connections", default=False, meaning="Synchronizes the sheet index."),
        "filterBySheetIndex": KnownSetting(
            "connections", default=False, meaning="Synchronizes only what the sheet index has."
        ),
    }
)
"""The settings that the pages name, by name. Two of a connection have no published name: "DWG 3D model space as 2D",
and Revit's level of detail (1 coarse, 2 medium, 3 fine)."""

Configuration.__module__ = KnownSetting.__module__ = __name__
