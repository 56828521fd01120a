"""The resources of the Synchronization API."""
