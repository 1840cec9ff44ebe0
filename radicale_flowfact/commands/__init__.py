"""The command line: one file for each group of commands, and what they print for people.

May import everything below it. Its door is ``main``, which lists the commands.
"""
