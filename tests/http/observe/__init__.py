"""What an admin sees of a running server."""
