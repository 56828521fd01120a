"""What is more than one call of the client, for the verbs of a noun. It is imported when a command runs."""
