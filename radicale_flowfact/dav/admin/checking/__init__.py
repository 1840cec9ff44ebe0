"""The parts of ``check``: what is found on FlowFact's side and in the gateway's own tables, for ``dav.admin.check``.

May import what ``dav.admin`` may. Its doors are ``findings``, for whoever adds findings of its own, and ``people``.
"""
