"""The steps of a publish: local files, the target, what is there, uploads, connections."""
