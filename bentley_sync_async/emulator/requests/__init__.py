"""Reads the bodies and queries of requests, as the products beside Synchronization share them."""
