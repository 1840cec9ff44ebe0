"""The gateway's side: scope, journal, identities, sidecar, edits and history, all in FlowFact's own engine."""
