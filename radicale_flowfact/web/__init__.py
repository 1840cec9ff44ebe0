"""What an admin sees of a running server: a line for each request, its health, its numbers."""
