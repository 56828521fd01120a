"""The commands: what `cli/app.py` calls for each."""
