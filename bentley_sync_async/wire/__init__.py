"""Bytes to models and back: JSON, error bodies, headers, Locations, paging links. Pure: no loop, no clock, no I/O."""
