"""Tests of what keeps the gateway safe."""
