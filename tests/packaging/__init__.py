"""What is shipped beside the code fits the code: package metadata, containers, services."""
