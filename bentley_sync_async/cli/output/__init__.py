"""Records on a screen or in a pipe: which columns they have, and the formats table, json, tsv and ids."""
