"""Runs caldav-server-tester against a server and prints what it found, as JSON: ``python -m … <url>``.

A program of its own, since the tester changes the ``caldav`` library for the whole process. The tester can be told
the name of one calendar only and would make others for tasks and notes; here it gets the one that is there.
"""

from __future__ import annotations

import json
import sys
from typing import Any

from caldav.davclient import get_davclient
from caldav_server_tester.checker import ServerQuirkChecker  # type: ignore[import-untyped]
from caldav_server_tester.checks import TEST_CALENDAR_CAL_ID  # type: ignore[import-untyped]

CALENDAR, TASKS = "FLOWFACT Termine", "tasks"
_OF_TASKS = (f"{TEST_CALENDAR_CAL_ID}_tasks", f"{TEST_CALENDAR_CAL_ID}_journals")


def main(url: str) -> None:
    """Run all checks, as the tester's own command does."""
    made: Any = get_davclient(url=url, username="anna", password="pw")  # noqa: S106
    with made as client:
        checker: Any = ServerQuirkChecker(client)
        checker.expected_features.set_feature("test-calendar.compatibility-tests", {"name": CALENDAR})
        by_name = checker.principal.calendar

        def calendar(name: str | None = None, cal_id: str | None = None, **more: Any) -> Any:  # noqa: ANN401
            return by_name(name=name, cal_id=TASKS if cal_id in _OF_TASKS else cal_id, **more)

        checker.principal.calendar = calendar
        try:
            checker.check_all()
        finally:
            checker.cleanup(force=True)
        found = checker.features_checked.dotted_feature_set_list(compact=False)
        deviating = checker._get_deviating_features()
    json.dump({"features": found, "deviating": sorted(deviating)}, sys.stdout, default=str)


if __name__ == "__main__":
    main(sys.argv[1])
