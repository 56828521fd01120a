"""What all verbs share: how one is declared, run, asked for names, and how its errors are told."""
