"""What a bulk and a publish share: work in the background, a few things at a time, JUnit XML."""
