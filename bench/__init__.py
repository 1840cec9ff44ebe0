"""Measures the gateway beside stock Radicale and Xandikos: ``python3 run.py bench``. Not part of the package."""
