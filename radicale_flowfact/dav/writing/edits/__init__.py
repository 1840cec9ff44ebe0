"""Decides what a PUT does: compares what the device sent with what it last saw, and lists the actions.

Pure functions, without database. A field counts as changed only if its value differs from the version that the device
had (rule 26); if it may have had several, from each of them (rule 43). What the device never had cannot be missing from
what it sends (rule 25).

Terms: ``base`` is a version that the device may have had; ``sent`` what it sent, as it reads beside that version;
``current`` the record as FlowFact has it now; ``sidecar`` the lines that are kept for the user's devices.
"""

from __future__ import annotations

from radicale_flowfact.dav.writing.edits.contacts import (
    edit_address,
    identifier_of,
    new_address_values,
    new_phones,
)
from radicale_flowfact.dav.writing.edits.entries import (
    choosable,
    edit_activity,
    may_name_kind,
    new_activity_sidecar,
    new_activity_values,
)
from radicale_flowfact.dav.writing.edits.seen import EVERY_FIELD, Reading, Seen, changed_by_office, only
from radicale_flowfact.dav.writing.edits.sidecars import Edit, merge_sidecar

__all__ = [
    "EVERY_FIELD",
    "Edit",
    "Reading",
    "Seen",
    "changed_by_office",
    "choosable",
    "edit_activity",
    "edit_address",
    "identifier_of",
    "may_name_kind",
    "merge_sidecar",
    "new_activity_sidecar",
    "new_activity_values",
    "new_address_values",
    "new_phones",
    "only",
]
