"""The files of manifest connections, and of the manifest that each of their runs gets."""
