"""The Storage API: folders and files of iTwins, and the recycle bin."""
