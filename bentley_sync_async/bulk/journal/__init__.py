"""What a bulk remembers."""
