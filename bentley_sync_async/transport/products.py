"""The API products of the iTwin Platform: where each is, and in which version the client speaks to it."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from attrs import field, frozen


@frozen
class Product:
    """An API product.

    Attributes:
        path: Its folder below the platform's root.
        headers: What every request to it carries: the version of the API that the client speaks.
    """

    path: str
    headers: Mapping[str, str] = field(repr=False)


def _product(path: str, *, version: int) -> Product:
    accept = f"application/vnd.bentley.itwin-platform.v{version}+json"
    return Product(path, MappingProxyType({"Accept": accept}))


SYNCHRONIZATION: Final = _product("synchronization", version=1)
STORAGE: Final = _product("storage", version=1)
IMODELS: Final = _product("imodels", version=2)
ITWINS: Final = _product("itwins", version=1)
WEBHOOKS: Final = _product("webhooks", version=2)
