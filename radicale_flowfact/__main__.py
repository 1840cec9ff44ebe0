"""Lets ``python -m radicale_flowfact`` do what ``radicale-flowfact`` does."""

from radicale_flowfact.cli import main

main()
