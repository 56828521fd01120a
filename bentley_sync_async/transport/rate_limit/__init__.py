"""The client's quota."""
