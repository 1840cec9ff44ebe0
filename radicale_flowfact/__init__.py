"""A Radicale storage plugin that shows FLOWFACT records as CardDAV and CalDAV."""
