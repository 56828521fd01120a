"""What the client costs, compared with a peer or a limit in the same run. No time is asserted."""
