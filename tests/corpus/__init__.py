"""Payloads as real clients wrote them."""
