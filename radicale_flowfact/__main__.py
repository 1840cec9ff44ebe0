"""Lets ``python -m radicale_flowfact`` do what ``radicale-flowfact`` does."""

from radicale_flowfact.commands.main import main

if __name__ == "__main__":
    main()
