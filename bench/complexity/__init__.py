"""Counts what readers and writers of payloads do with the worst inputs: twice the input, twice the operations."""
