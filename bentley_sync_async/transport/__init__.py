"""Bytes over HTTP: the request and its answer, tokens, retries, and the pipeline that every request passes."""
