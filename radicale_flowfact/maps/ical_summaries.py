"""Puts the kind's name into SUMMARY, cuts it off again (rule 16), and finds a kind that was typed there (rule 21)."""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from radicale_flowfact.content.words import one_line, same_words
from radicale_flowfact.records import Kind, dsn_key

_LONGEST_KIND = 200  # characters of a title in which a kind's name is looked for; FlowFact's have 100 at most
_ESCAPED = re.compile(r"\\(?=[,;])")  # some clients do not undo it, and send the backslash as text


def summary_of(subject: str, kind: str, template: str) -> str:
    """Return SUMMARY: the subject with the kind's name in it, by the template (rule 16)."""
    kind = one_line(kind)
    before, after = _template_parts(kind, template)
    return f"{before}{subject}{after}" if kind else subject


def subject_of(summary: str, kind: str, template: str) -> str:
    """Return the subject of a SUMMARY: without the kind's name, if it has it as the template says (rule 16)."""
    text, kind = one_line(summary), one_line(kind)
    if not kind:
        return text
    before, after = _template_parts(kind, template)
    if same_words(text, f"{before}{after}"):
        return ""
    head, tail = one_line(before), one_line(after)
    if len(text) < len(head) + len(tail) or not text.startswith(head) or not text.endswith(tail):
        return text
    found = text[len(head) : len(text) - len(tail)]
    # "Terminal" is not the kind "Termin" with the subject "al": a blank between the two must be there.
    glued_head = head[-1:].isalnum() and before[-1].isspace() and not found.startswith(" ")
    glued_tail = tail[:1].isalnum() and after[0].isspace() and not found.endswith(" ")
    return text if glued_head or glued_tail else found.strip()


def kind_in(summary: str, subject: str, template: str) -> str:
    """Return the kind's name in a SUMMARY of this subject, which FlowFact may have changed since, or an empty text."""
    pattern = re.escape(template).replace(r"\{kind\}", "(?P<kind>.+)", 1).replace(r"\{kind\}", "(?P=kind)")
    pattern = pattern.replace(r"\{subject\}", re.escape(one_line(subject)))
    found = re.fullmatch(pattern, one_line(summary))
    return found["kind"] if found and "kind" in found.groupdict() else ""


def kind_like(summary: str, template: str) -> str:
    """Return what a served SUMMARY has in the place of the kind's name, by the template; or an empty text.

    If the kind's name contains the template's own signs, only a part of it is returned.
    """
    pattern = re.escape(template).replace(r"\{kind\}", "(?P<kind>.+?)", 1).replace(r"\{kind\}", "(?P=kind)")
    found = re.fullmatch(pattern.replace(r"\{subject\}", ".*"), one_line(summary))
    return found["kind"] if found and "kind" in found.groupdict() else ""


def titled_kind(summary: str, kinds: Iterable[Kind], template: str, own: Kind | None = None) -> tuple[Kind, str] | None:
    """Return the kind that a title names where the template has it, and the subject without it; None: none (rule 21).

    It is named by its name or short name, however that is written (case, blanks, composed letters). A name goes before
    a short name, the longest before all; what two kinds are called names neither, unless one is ``own``.
    """
    title, known = _Title.of(summary, template), list(kinds)
    by_name, by_short_name = _by_words(known, "name"), _by_words(known, "short_name")
    for words, end in title.names():
        found = by_name.get(words) or by_short_name.get(words) or []
        mine = [kind for kind in found if own is not None and dsn_key(kind.dsn) == dsn_key(own.dsn)]
        if mine or len(found) == 1:
            return (mine or found)[0], title.subject(end)
    return None


def names_in(summary: str, template: str) -> frozenset[str]:
    """Return what may be a kind's name in a title, in the form in which names are compared (rule 21)."""
    return frozenset(words for words, _ in _Title.of(summary, template).names())


@dataclass(frozen=True, slots=True)
class _Title:
    """A title whose template has the kind between two signs, and perhaps something behind the subject.

    Where the kind comes after the subject, all of it is held backwards (``turn`` is -1).
    """

    text: str
    opening: str
    closing: str
    behind: str
    turn: int = 1

    @classmethod
    def of(cls, summary: str, template: str) -> _Title:
        before, _, after = template.partition("{subject}")
        if "{kind}" in before:
            opening, _, closing = before.partition("{kind}")
            return cls(one_line(summary), opening.strip(), closing, after.strip())
        closing, has_kind, opening = after.partition("{kind}")
        text = one_line(summary) if has_kind else ""
        return cls(text[::-1], opening.strip()[::-1], closing[::-1], before.strip()[::-1], -1)

    def names(self) -> Iterator[tuple[str, int]]:
        """Yield what may be a kind's name, the longest first, and where what follows it begins."""
        text, start, sign = self.text, len(self.opening), self.closing.rstrip()
        if not text.startswith(self.opening):
            return
        is_apart = self.closing != sign and (not sign or sign[-1].isalnum())  # a blank must follow, or end it
        for end in range(min(len(text), start + _LONGEST_KIND), start, -1):
            if not text.startswith(sign, end):
                continue
            rest = end + len(sign)
            following = text[rest : rest + 1]
            is_inside = not self.closing and text[end - 1].isalnum() and following.isalnum()
            if not is_inside and not (is_apart and following and not following.isspace()):
                yield _comparable(text[start:end][:: self.turn]), rest

    def subject(self, start: int) -> str:
        """Return the subject that begins there."""
        return self.text[start:].removesuffix(self.behind)[:: self.turn].strip()


def _by_words(kinds: Iterable[Kind], attribute: str) -> Mapping[str, list[Kind]]:
    found: defaultdict[str, list[Kind]] = defaultdict(list)
    for kind in kinds:
        if words := _comparable(getattr(kind, attribute)):
            found[words].append(kind)
    return found


def _comparable(name: str) -> str:
    """Return a name as names are compared: without case, escapes and further blanks, with composed letters."""
    return unicodedata.normalize("NFC", one_line(_ESCAPED.sub("", name))).casefold()


def _template_parts(kind: str, template: str) -> tuple[str, str]:
    before, _, after = template.partition("{subject}")
    return before.replace("{kind}", kind), after.replace("{kind}", kind)
