"""One file for each version of the gateway's own tables, in order."""
