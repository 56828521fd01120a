"""The nouns of the neighbouring products: Storage, iModels, iTwins and Webhooks."""
