"""What an admin asks: status, devices, why, check, verify, erase, grants, and the daily upkeep.

May import ``dav.gateway`` and everything below it. Each module is the door for one question.
"""
