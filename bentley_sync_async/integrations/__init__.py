"""What joins the package to other people's software; each file needs an extra of its name."""
