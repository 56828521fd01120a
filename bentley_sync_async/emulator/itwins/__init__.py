"""The iTwins API: iTwins, and whose account they belong to."""
