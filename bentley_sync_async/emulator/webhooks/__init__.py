"""The Webhooks API (v2): webhooks as a resource; active ones receive a message about every run that ends."""
