"""The map between an Address and a vCard 3.0 (RFC 2426), rules 9 to 13, 25, 26 and 44.

Its doors are ``radicale_flowfact.vcard_map``, ``phones`` and ``whole_address``. Pure functions.
"""
