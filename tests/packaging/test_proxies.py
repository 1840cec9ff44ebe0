"""The proxies that come with the package do what the guide for administrators wants of one."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

PACKAGING = Path(__file__).parents[2] / "packaging"
PROXIES = ["nginx.conf", "Caddyfile", "Caddyfile.compose", "windows/web.config"]


@pytest.mark.parametrize("name", PROXIES)
def test_each_proxy_bounds_bodies_removes_the_script_name_and_keeps_the_metrics(name: str) -> None:
    text = (PACKAGING / name).read_text(encoding="utf-8")
    assert re.search(r"20m\b|20MB|20000000", text)
    assert re.search(r"-X-Script-Name|X-Script-Name +\"\"|HTTP_X_SCRIPT_NAME\" value=\"\"", text)
    assert re.search(r"\.flowfact/metrics.*?404", text, re.DOTALL)


def test_the_configuration_of_iis_is_well_formed_and_sends_all_else_to_the_gateway() -> None:
    rules = ET.parse(PACKAGING / "windows/web.config").findall(".//rule")  # noqa: S314 - our own file
    assert [rule.get("name") for rule in rules] == ["metrics", "gateway"]
    action = rules[1].find("action")
    assert action is not None
    assert action.get("url") == "http://127.0.0.1:5232{UNENCODED_URL}"
