"""The iTwins API."""
