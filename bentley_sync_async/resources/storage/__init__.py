"""The Storage API: folders, files and their content, the recycle bin."""
