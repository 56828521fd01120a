"""The Synchronization API: connections, source files, runs, authorization."""
