"""A demo FlowFact that looks like a real agency, for trying the gateway out and for measuring it."""
