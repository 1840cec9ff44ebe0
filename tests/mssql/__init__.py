"""SQL Server without one: what is sent to it, how its answers are read, and its driver."""
