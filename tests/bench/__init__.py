"""The bench itself runs."""
