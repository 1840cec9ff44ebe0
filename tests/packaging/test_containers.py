"""The compose files and the Dockerfile fit together: files, ports, networks, and images by digest."""

from __future__ import annotations

import ipaddress
import re
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]

PACKAGING = Path(__file__).parents[2] / "packaging"
DOCKERFILE = (PACKAGING / "Dockerfile").read_text(encoding="utf-8")
CADDYFILE = (PACKAGING / "Caddyfile.compose").read_text(encoding="utf-8")
FILES = ("compose.yaml", "compose.scaled.yaml")


def services(name: str) -> dict[str, dict[str, Any]]:
    """Return the services of a compose file."""
    read: dict[str, dict[str, dict[str, Any]]] = yaml.safe_load((PACKAGING / name).read_text(encoding="utf-8"))
    return read["services"]


def gateways(name: str) -> set[str]:
    """Return the names of the services that are built from the Dockerfile."""
    return {service for service, what in services(name).items() if "build" in what}


@pytest.mark.parametrize("name", FILES)
def test_caddy_sends_to_every_gateway_on_the_port_that_the_image_opens(name: str) -> None:
    (port,) = re.findall(r"^EXPOSE (\d+)$", DOCKERFILE, re.MULTILINE)
    sent_to = services(name)["caddy"]["environment"]["FLOWFACT_GATEWAYS"].split()
    assert set(sent_to) == {f"{gateway}:{port}" for gateway in gateways(name)}
    assert len(sent_to) == {"compose.yaml": 1, "compose.scaled.yaml": 2}[name]
    assert all(services(name)[gateway]["expose"] == [port] for gateway in gateways(name))


@pytest.mark.parametrize("name", FILES)
def test_only_caddy_is_reached_from_outside_and_all_are_on_one_network(name: str) -> None:
    assert [service for service, what in services(name).items() if "ports" in what] == ["caddy"]
    assert {tuple(what["networks"]) for what in services(name).values()} == {("inside",)}


@pytest.mark.parametrize("name", FILES)
def test_the_proxies_to_trust_are_those_of_the_network(name: str) -> None:
    text = (PACKAGING / name).read_text(encoding="utf-8")
    (trusted,) = re.findall(r'trusted_proxies = \["([^"]+)"\]', text)
    inside = yaml.safe_load(text)["networks"]["inside"]["ipam"]["config"]
    assert [ipaddress.ip_network(one["subnet"]) for one in inside] == [ipaddress.ip_network(trusted)]


@pytest.mark.parametrize("name", FILES)
def test_what_is_mounted_or_built_from_is_there(name: str) -> None:
    read = yaml.safe_load((PACKAGING / name).read_text(encoding="utf-8"))
    for service in read["services"].values():
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            known = source in read["volumes"] or source == "./config"  # the folder that the first lines tell to make
            assert known or (PACKAGING / source).is_file(), volume
        if "build" in service:
            assert (PACKAGING / service["build"]["context"] / service["build"]["dockerfile"]).is_file()
        if "healthy" in str(service.get("depends_on")):
            for other in service["depends_on"]:
                assert "build" in read["services"][other] or "healthcheck" in read["services"][other]


def test_every_image_is_named_by_its_digest() -> None:
    named = re.findall(r"^FROM (\S+)", DOCKERFILE, re.MULTILINE)
    for name in FILES:
        named += [what["image"] for service, what in services(name).items() if service not in gateways(name)]
    assert len(named) == 4
    assert [image for image in named if not re.fullmatch(r"[a-z]+:[\w.-]+@sha256:[0-9a-f]{64}", image)] == []


def test_what_the_image_copies_is_there_and_let_through() -> None:
    root, let_through = PACKAGING.parent, (PACKAGING.parent / ".dockerignore").read_text("utf-8").splitlines()
    copied = [part for line in re.findall(r"^COPY (.+)$", DOCKERFILE, re.MULTILINE) for part in line.split()[:-1]]
    assert copied
    for name in copied:
        assert (root / name).exists()
        assert f"!{name.split('/')[0]}" in let_through


def test_the_caddyfile_uses_what_compose_gives_it() -> None:
    wanted = set(re.findall(r"\{\$(\w+)\}", CADDYFILE))
    for name in FILES:
        assert set(services(name)["caddy"]["environment"]) == wanted
    assert "/.flowfact/metrics" in CADDYFILE
    assert "header_up -X-Script-Name" in CADDYFILE
