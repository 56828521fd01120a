"""Documents that are no answer of the API: diagnostic reports. Pure."""
