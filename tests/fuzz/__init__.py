"""What the gateway makes of input that nobody would send on purpose. How to run it for longer is in the README."""
