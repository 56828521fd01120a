"""The resources of the API, a folder per API product and a file per resource; every operation is a method."""

from .base import Listing, Pages

__all__ = [
    "Listing",
    "Pages",
]

for _name in __all__:
    globals()[_name].__module__ = __name__  # errors, reprs and pickles name the public place of a class
