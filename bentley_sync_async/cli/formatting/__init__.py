"""The texts of events, outcomes, budgets and names. Pure, but for the requests for names."""
