"""One run, triggered and followed to its end: watcher, state machine, poller, recovery, events, resume state."""
