"""A night of many connections."""
