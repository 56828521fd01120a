"""One run, triggered and followed to its end."""
