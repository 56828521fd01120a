"""What the neighbouring APIs of the iTwin Platform say: Storage, iModels, iTwins, Webhooks. Loaded when first used."""

from .imodels import (
    Application,
    Changeset,
    ChangesetLinks,
    ChangesetState,
    Extent,
    IModel,
    IModelCreation,
    IModelCreationState,
    IModelLinks,
    IModelState,
    IModelSummary,
    NamedVersion,
    NamedVersionLinks,
    NamedVersionState,
    Point,
    SynchronizationInfo,
)
from .itwins import ITwin, ITwinClass, ITwinStatus, ITwinSubClass, ITwinSummary
from .storage import FileUpload, StorageFile, StorageFolder, StorageItem, StorageItemLinks, StorageItemType
from .webhooks import Webhook, WebhookScope

__all__ = [
    "Application",
    "Changeset",
    "ChangesetLinks",
    "ChangesetState",
    "Extent",
    "FileUpload",
    "IModel",
    "IModelCreation",
    "IModelCreationState",
    "IModelLinks",
    "IModelState",
    "IModelSummary",
    "ITwin",
    "ITwinClass",
    "ITwinStatus",
    "ITwinSubClass",
    "ITwinSummary",
    "NamedVersion",
    "NamedVersionLinks",
    "NamedVersionState",
    "Point",
    "StorageFile",
    "StorageFolder",
    "StorageItem",
    "StorageItemLinks",
    "StorageItemType",
    "SynchronizationInfo",
    "Webhook",
    "WebhookScope",
]

for _name in __all__:
    globals()[_name].__module__ = __name__  # errors, reprs and pickles name the public place of a class
