"""The Synchronization API."""
