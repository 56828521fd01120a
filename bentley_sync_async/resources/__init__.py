"""The resources of the API, one file each; every operation is a method."""
