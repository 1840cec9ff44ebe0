"""The maps between FlowFact's records and what devices send: Address and vCard, Activity and VEVENT or VTODO.

May import ``content``, ``actions``, ``settings`` and ``records``; pure functions, no SQL and no HTTP. Its doors are
``radicale_flowfact.vcard_map`` and ``radicale_flowfact.ical_map``, and ``contacts.phones`` and ``undated_tasks`` for
edits.
"""
