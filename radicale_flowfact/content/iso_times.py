"""Times as ISO 8601 allows to write them, in a line that RFC 5545 §3.3.5 has another form for."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

_ISO_TIME = re.compile(
    r":(\d{4})-?(\d\d)-?(\d\d)(?:[T ](\d\d):?(\d\d)(?::?(\d\d))?(?:[.,]\d{1,9})?(?P<zone>Z|[+-]\d\d:?\d\d)?)?\Z",
    re.IGNORECASE | re.ASCII,
)
_LONGEST_TIME = 50  # characters


def with_plain_time(line: str) -> str:
    """Return a line of time as RFC 5545 §3.3.5 writes it, if it is written as ISO 8601 allows, or has an offset.

    24 o'clock is the midnight after it. Any other line is returned as it is.
    """
    found = _ISO_TIME.search(line, max(0, len(line) - _LONGEST_TIME))
    if found is None:
        return line
    day, clock, zone = "".join(found.group(1, 2, 3)), "".join(found.group(4, 5)) if found[4] else "", found["zone"]
    if not clock:
        return f"{line[: found.start()]}:{day}"
    days, clock = (1, "0000") if clock == "2400" else (0, clock)
    try:
        moment = datetime.strptime(f"{day}{clock}{found[6] or '00'}", "%Y%m%d%H%M%S") + timedelta(days=days)
        if zone and zone.upper() != "Z":
            hours, minutes = int(zone[:3]), int(zone[0] + zone[-2:])
            moment, zone = moment - timedelta(hours=hours, minutes=minutes), "Z"
    except (ValueError, OverflowError):
        return line
    # ``strftime`` writes the year 1 with one digit.
    return f"{line[: found.start()]}:{moment.isoformat().replace('-', '').replace(':', '')}{zone or ''}"
