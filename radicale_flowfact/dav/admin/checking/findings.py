"""What a check found: facts, and faults or notes with the next step, in groups."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from radicale_flowfact.crm.site.tally import Reason
from radicale_flowfact.dav.admin.overview import MappedUser
from radicale_flowfact.dav.store.session import Name


class Group(StrEnum):
    """The groups of a check, in the order in which they are told; the values are keys of ``--json``."""

    DATABASE = "database"
    NAMES = "names"
    VALUES = "values"
    USERS = "users"
    LOGINS = "logins"
    WEB = "web"
    WRITING = "writing"
    OWN = "own_tables"


@dataclass(frozen=True, slots=True)
class Finding:
    """A fault, which keeps somebody out or something from working, or a note, which does not.

    ``step``: the line to write, the click in FlowFact or the command that mends it; empty where ``text`` says it.
    ``is_message``: the text is an error's, and what stands behind its first semicolon is the next step.
    """

    group: Group
    text: str
    step: str = ""
    is_fault: bool = False
    is_message: bool = False

    def parts(self, said: str) -> tuple[str, str]:
        """Return cause and next step of ``said``, the text in whatever language."""
        cause, _, step = said.partition("; ") if self.is_message else (said, "", "")
        return cause, step


@dataclass(frozen=True, slots=True)
class Fact:
    """A line of what is there: ``title`` is unique within a report but for versions."""

    group: Group
    title: str
    text: str


@dataclass(frozen=True, slots=True)
class Counts:
    """How many records one collection of a login shows, and how the rows of its Merkmale come to that number.

    ``shown``: what the gateway shows; all others as in ``crm.site.tally.Tally``.
    """

    login: str
    name: Name
    shown: int
    rows: int
    records: int
    left_out: Mapping[Reason, int]
    linked: int


@dataclass
class Report:
    """The result of a check. ``draft``: the lines of a drafted ``[names]`` section."""

    lines: list[Fact] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    users: list[MappedUser] = field(default_factory=list)
    counts: list[Counts] = field(default_factory=list)
    draft: list[str] = field(default_factory=list)

    def tell(self, group: Group, title: str, text: str) -> None:
        """Add a fact."""
        self.lines.append(Fact(group, title, text))

    def fault(self, group: Group, text: str, step: str = "", *, is_message: bool = False) -> None:
        """Add a fault."""
        self.findings.append(Finding(group, text, step, is_fault=True, is_message=is_message))

    def note(self, group: Group, text: str, step: str = "") -> None:
        """Add a note."""
        self.findings.append(Finding(group, text, step))

    @property
    def facts(self) -> list[tuple[str, str]]:
        """Titles with a line each."""
        return [(fact.title, fact.text) for fact in self.lines]

    @property
    def faults(self) -> list[str]:
        """The texts of the faults."""
        return [finding.text for finding in self.findings if finding.is_fault]

    @property
    def notes(self) -> list[str]:
        """The texts of the notes."""
        return [finding.text for finding in self.findings if not finding.is_fault]
