"""Asyncio client for Bentley's iTwin Synchronization API."""
