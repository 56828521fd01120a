"""The Webhooks API: who is told of events."""
