"""Publish: a folder of files in, an iModel out; only what has changed is uploaded and run."""
