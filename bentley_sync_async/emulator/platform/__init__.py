"""What all API products share."""
