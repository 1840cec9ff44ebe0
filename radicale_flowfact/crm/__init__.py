"""FlowFact's side: the only code that names its tables. Knows nothing of DAV."""
