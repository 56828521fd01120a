"""The views: live pictures on a terminal, plain lines elsewhere, JSON for programs, and the summary table."""
