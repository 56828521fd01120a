"""One run, triggered and followed to its end: the watcher, its state machine, the poller, recovery, events, resume state."""
