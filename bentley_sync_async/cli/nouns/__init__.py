"""The nouns of the command line, one file for each: their verbs are a signature and a call."""
