"""The journal of a bulk: what is under way and finished, kept beyond the end of the process."""
