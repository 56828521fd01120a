"""Measurements beside a peer or a limit; see README.md."""
