"""The blob store behind Storage: block blobs, reached by signed URLs as in Azure Blob Storage."""
