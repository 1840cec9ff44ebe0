"""Holds the rules: number, name and sentence of each, in the chapters of ``docs/rules.md``.

*Own Merkmal* is the user's Benutzermerkmal; *scope* are the records that a user's collection holds.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Rule:
    """Holds what a rule is called, and what it says."""

    name: str
    sentence: str


CHAPTERS: dict[str, dict[int, Rule]] = {
    "Who sees what": {
        1: Rule(
            "A login is one FlowFact user, or gets nothing",
            "A DAV login is mapped to exactly one FlowFact user. Without a mapping, with an inactive user, or "
            "with an own Merkmal that is missing or not among his address Merkmale, it has no access: 403 and a "
            "clear error in the log and in `check`, never an empty collection. An empty collection makes a phone "
            "delete everything.",
        ),
        2: Rule(
            "Collections hold what carries the user's Merkmale",
            "`addresses` holds the addresses that carry at least one of the user's address Merkmale. "
            "`appointments` holds activities of a calendar kind, `tasks` those of a task kind, that carry at "
            "least one of his activity Merkmale. The Merkmale come from the user's settings or, where these have "
            "no list, from FlowFact (`BENMKM`).",
        ),
        3: Rule(
            "Linked addresses come along",
            "Addresses linked to an appointment in scope are in `addresses`, too, though they carry no Merkmal of "
            "the user.",
        ),
        4: Rule(
            "The past reaches back as far as allowed",
            "Past appointments reach back `past_days` (default 90; 0 = none, -1 = all); an appointment is past by "
            "its end. Done tasks follow the same limit, open tasks are always in scope. What leaves scope this "
            "way leaves the device and changes nothing in FlowFact.",
        ),
        5: Rule(
            "Rights and archive count",
            "A record that the user may not read is out of scope. With read-only right, a PUT or DELETE is "
            "refused (403) and changes nothing. Archived records are out of scope.",
        ),
    },
    "What changes reach the device": {
        6: Rule(
            "Every change arrives, once",
            "What is new, changed or gone since a device's last sync reaches it at its next one; also what moves "
            "no Touch: a Merkmal added or taken off, a linked address edited, a kind renamed, rights changed, "
            "rows deleted without trace, two changes within one clock tick, a clock that goes back, rows moved from "
            "one record to another so that every sum stays. Nothing is missed, and nothing is reported twice for "
            "ever.",
        ),
        7: Rule(
            "Deleted and done in FlowFact",
            "What is deleted in FlowFact is gone on the device. What is done in FlowFact has no alarm on the "
            "device any more; the appointment stays.",
        ),
        8: Rule(
            "The own write does not come back",
            "The gateway's own write does not come back to the device as a change, except where FlowFact's "
            "version differs from what was sent.",
        ),
    },
    "Addresses": {
        9: Rule(
            "Fields of an address",
            "Company, name, street, postcode, city, country, fax, e-mail and note map both ways. The postal "
            "address is the WORK address of the contact. Other addresses that the user keeps on the device stay "
            "as they are and never reach FlowFact.",
        ),
        10: Rule(
            "Phone numbers by position",
            "Up to 8 phone numbers go by position; position 1 is the office phone. Default slots: 1 work, 2 cell, "
            "3 home, 4 assistant, 5 work 2, 6 home 2, 7 pager, 8 car (configurable). Fax is a field of its own. "
            "Numbers from position 9 on are never sent and never lost. The remark of a number is never changed.",
        ),
        11: Rule(
            "Numbers are recognised in any order and spelling",
            "Devices reorder and retype numbers. A write matches by number first (compared in E.164), then by "
            "slot. It never shifts other positions, and an unchanged number keeps FlowFact's own spelling.",
        ),
        12: Rule(
            "Private contacts",
            "A contact of category *privat* made on the device is taken over or not, as configured. Taken over: "
            "the user alone gets rights on it. Not taken over: it stays on this user's devices, and FlowFact "
            "never sees it.",
        ),
        13: Rule(
            "Deleting a contact takes only the own Merkmal off",
            "Deleted on the device: only the own Merkmal is taken off the address; the record, its other Merkmale "
            "and its Touch stay. If it would still be in scope (another Merkmal, a linked appointment), it is "
            "hidden for this user until the own Merkmal is set again in FlowFact.",
        ),
        14: Rule(
            "New contacts",
            "A new contact on the device becomes a new address with the user's own Merkmal, a Kennung, and the "
            "fields that say who made and changed it.",
        ),
        15: Rule(
            "PUT after DELETE attaches the same record",
            "A PUT with the UID of a record that this user deleted or hid (undo, or a move done as DELETE and "
            "PUT) attaches the same FlowFact record again: the own Merkmal comes back, and no second record is "
            "made. What the office took off him, archived, deleted or closed to him is not brought back by a device "
            "that did not hear of it yet: it is refused (412, whatever conditions were sent), nothing is written or "
            "told of the record, the body is kept with the history, and the device drops it at its next sync.",
        ),
    },
    "Appointments and tasks": {
        16: Rule(
            "Subject, times, alarm and note",
            "The kind's name is part of the subject on the device (`{kind}: {subject}`, configurable) and is cut "
            "off again on the way back. Start, end, subject, alarm and note map 1:1. An alarm is a Vorlage with "
            "time; no alarm is a Vorlage without time. Further alarms of the device stay with the device.",
        ),
        17: Rule(
            "FFDATA",
            "Participants (colleagues whose Benutzermerkmal is on the activity) and linked addresses (name, company, "
            "street, postcode, town, phone, e-mail) are appended to the note as a section headed `FFDATA`. Edits "
            "inside it never reach FlowFact; text around it is the note. An appointment without a LOCATION of the "
            "device's own takes place at its linked address (`location`). ORGANIZER and ATTENDEE are never sent: "
            "phones would mail strangers.",
        ),
        18: Rule(
            "Private appointments",
            "A private appointment (CLASS PRIVATE or CONFIDENTIAL, X-CALENDARSERVER-ACCESS) is taken over or not, "
            "as configured; if so, the user alone gets rights on it. A record whose rights list names only this "
            "user is shown as PRIVATE.",
        ),
        19: Rule(
            "Deleting an appointment takes only the own Merkmal off",
            "Deleted on the device: only the own Merkmal is taken off the activity; colleagues keep it. It is "
            "hidden as in rule 13.",
        ),
        20: Rule(
            "Alarm switched off in the past: done",
            "A past appointment whose alarm is switched off on the device is set done in FlowFact. This takes a "
            "transition: it had an alarm, it ended before now, and now the alarm is gone (VALARM removed, or "
            "acknowledged at or after the end).",
        ),
        21: Rule(
            "New appointments and tasks",
            "New on the device: an activity of the user's preset kind (Vorbelegung), else of the settings' "
            "`kind`, with the own Merkmal. Without an alarm its Vorlage is the day it begins (a task: the day it "
            "is due), without time. A title that begins like the template with the name or short name of another "
            "suitable kind (*Besichtigung: Whg Hofgarten*) gets that kind, new or edited, and the prefix is not "
            "stored. Without any preset and such a prefix: 403 with that reason.",
        ),
        22: Rule(
            "Tasks",
            "Subject, note, due date (= Vorlage), alarm, priority and done (STATUS and COMPLETED = Erledigt) map "
            "both ways.",
        ),
        23: Rule(
            "Internal mails",
            "An internal mail may be changed only by its sender. Others get 403, and nothing changes.",
        ),
        24: Rule(
            "Time zones and all-day",
            "All-day events, events over midnight, any TZID (IANA, Windows names, a VTIMEZONE of its own), "
            "floating and UTC times arrive as the right local time, also across both clock changes.",
        ),
    },
    "Nothing is lost, nothing breaks": {
        25: Rule(
            "What FlowFact has no field for",
            "What FlowFact has no field for (second addresses, photos, birthdays, labels, X- properties, further "
            "alarms) is kept for that user and comes back as it was. A field that a client never received is not "
            "cleared; one that it received and now omits is. What cannot become a FlowFact record at all stays on "
            "this user's devices as a *device-only* item and is listed for the admin; deleting it really deletes "
            "it, and its text stays in the history. No item turns up in a collection for other items.",
        ),
        26: Rule(
            "Only what changed is written",
            "A write touches only the columns whose value the device changed against what it was last served. A "
            "text that FlowFact cuts, trims or spells in its own way is never written back merely because it "
            "looks different.",
        ),
        27: Rule(
            "Two edits at once",
            "An outdated ETag gets 412 and changes nothing. A change in FlowFact between read and write is seen "
            "in the same transaction: the UPDATE compares the Touch. The refused body is kept with the user's "
            "history.",
        ),
        28: Rule(
            "Bad values and bad records",
            "A device is never stopped by what it sends: a line that FlowFact has no field for is kept or mended, a "
            "text longer than its column is cut there and kept whole for the user's devices, until the office edits "
            "it. "
            "Refused is what may not be (403 with `DAV:need-privileges`), what changed meanwhile (412) and what "
            "cannot be read (409 with `valid-calendar-data` or `valid-address-data`). A fault of the database that "
            "will not pass by itself is such a refusal, once in the history however often it is sent. Nothing is "
            "half-written. A record that cannot be rendered is served in a minimal valid form and reported; it never "
            "stops the others.",
        ),
        29: Rule(
            "History and undo",
            "Every write to FlowFact is recorded (who, which device, record, field, before, after), and the admin "
            "can take it back.",
        ),
        30: Rule(
            "Safety stop",
            "If within a day more than a configured share of what a collection held at its beginning (default 30 % "
            "and at least 20 items) vanishes or would vanish, in one look or in many, nothing more is removed from "
            "devices until the admin confirms; the log and the status say so. What leaves by the window of the past "
            "alone does not count. A FlowFact database that was restored or answers empty falls under the same stop.",
        ),
        31: Rule(
            "Writing is off at first",
            "Writing is off until the admin turns it on (`write = true`); until then every PUT and DELETE answers "
            "403. The demo has it on.",
        ),
    },
    "Devices": {
        43: Rule(
            "What a device saw last",
            "A device is known by its password where it has one of its own, else by login and program, never by the "
            "program's version. Of two devices that cannot be told apart and send no If-Match, a value counts as "
            "changed only if it differs from every version that one of them may have seen last. `If-Match: *` names "
            "no version: it is treated as if there were none.",
        ),
        44: Rule(
            "What a client respells",
            "What a client's own parser respells on its way (the escape of a semicolon, a decomposed umlaut, a "
            "direction mark in a number, a UID as a URN, an escaped comma in a title, a twin that is derived from a "
            "field, such as LABEL or STYLED-DESCRIPTION) is no change, and no derived twin outlives its original.",
        ),
    },
}
RULES = {number: rule for chapter in CHAPTERS.values() for number, rule in chapter.items()}
