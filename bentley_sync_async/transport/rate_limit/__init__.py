"""The quota of a client: the rate limiter, its budget and windows, and the throttle after a 429."""
