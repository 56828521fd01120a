"""The Users API: who the caller is."""
