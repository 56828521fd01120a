"""Where sign-ins are kept, and the lock under which one process at a time reads and renews them."""
