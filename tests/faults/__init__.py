"""What must hold after a fault, and with many processes."""
