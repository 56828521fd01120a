"""The Synchronization API: its operations, the store of connections and runs, and the plans that runs follow."""
