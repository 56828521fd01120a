"""How soon a pacing notices ends."""
