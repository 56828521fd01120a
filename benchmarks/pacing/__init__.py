"""How soon a pacing notices the ends of runs, beside other pacings that need as many requests."""
