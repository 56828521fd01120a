"""The nouns of the command line, one file for each: their verbs are a signature and a call.

A verb gets the session first. What it returns is printed: a listing, a record, a `Card`, or what was `Done`. These
files are imported for their help, so they import nothing of the client when they are loaded.
"""
