"""Thunderbird itself, without a window, edits records that FlowFact made."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.clients import records, tools
from tests.clients.drivers.marionette import Marionette
from tests.conftest import Agency, Server

_SECONDS = 90.0
_PREFERENCES = """\
user_pref("marionette.port", {port});
user_pref("app.update.enabled", false);
user_pref("datareporting.policy.dataSubmissionEnabled", false);
user_pref("mail.provider.suppress_dialog_on_startup", true);
user_pref("mail.spotlight.firstRunDone", true);
user_pref("mailnews.start_page.enabled", false);
user_pref("calendar.timezone.local", "Europe/Berlin");
user_pref("calendar.timezone.useSystemTimezone", false);
"""
_HEAD = """\
const { MailServices } = ChromeUtils.importESModule("resource:///modules/MailServices.sys.mjs");
const { CardDAVDirectory } = ChromeUtils.importESModule("resource:///modules/CardDAVDirectory.sys.mjs");
const { VCardProperties } = ChromeUtils.importESModule("resource:///modules/VCardUtils.sys.mjs");
const { cal } = ChromeUtils.importESModule("resource:///modules/calendar/calUtils.sys.mjs");
const wait = ms => new Promise(done => { const timer = Cc["@mozilla.org/timer;1"].createInstance(Ci.nsITimer);
  timer.initWithCallback(() => done(timer), ms, Ci.nsITimer.TYPE_ONE_SHOT); });
const until = async (there) => { for (let n = 0; n < 300; n++) { const found = await there(); if (found) return found;
  await wait(200); } throw new Error("it did not come"); };
const entriesOf = async (name, count) => {
  const calendar = cal.manager.getCalendars().find(one => one.name == name);
  return until(async () => { const found = await calendar.getItemsAsArray(Ci.calICalendar.ITEM_FILTER_ALL_ITEMS, 0,
    null, null); return found.length >= count ? [calendar, found] : null; });
};
"""
_ACCOUNTS = """\
const [base, counts] = given;
const login = Cc["@mozilla.org/login-manager/loginInfo;1"].createInstance(Ci.nsILoginInfo);
login.init(base, null, "Radicale - Password Required", "anna", "pw", "", "");
await Services.logins.addLoginAsync(login);
const id = MailServices.ab.newAddressBook("addresses", null, Ci.nsIAbManager.CARDDAV_DIRECTORY_TYPE);
const book = MailServices.ab.getDirectoryFromId(id);
book.setStringValue("carddav.url", `${base}/anna/addresses/`);
book.setStringValue("carddav.username", "anna");
await CardDAVDirectory.forFile(book.fileName).fetchAllFromServer();
for (const name of ["appointments", "tasks"]) {
  const calendar = cal.manager.createCalendar("caldav", Services.io.newURI(`${base}/anna/${name}/`));
  calendar.name = name;
  calendar.setProperty("username", "anna");
  calendar.setProperty("cache.enabled", true);
  cal.manager.registerCalendar(calendar);
}
await until(() => book.childCardCount >= counts.addresses);
for (const name of ["appointments", "tasks"]) await entriesOf(name, counts[name]);
return book.childCardCount;
"""
_EDIT = """\
const [counts, edit] = given;
const book = MailServices.ab.directories.find(one => one.dirName == "addresses");
for (const card of book.childCards) {
  const properties = VCardProperties.fromVCard(card.getProperty("_vCard", ""));
  if (edit == "harmless") properties.addValue("nickname", "Maxi");
  else { properties.clearValues("note"); properties.addValue("note", "Neu; mit, Zeichen"); }
  card.setProperty("_vCard", properties.toVCard());
  await book.modifyCard(card);
}
for (const name of ["appointments", "tasks"]) {
  const [calendar, entries] = await entriesOf(name, counts[name]);
  for (const entry of entries) {
    const changed = entry.clone();
    if (edit == "harmless") changed.setProperty("X-OWN", "1");
    else if (name == "tasks") changed.isCompleted = true;
    else changed.title = "Besichtigung: Neu; mit, Zeichen";
    await calendar.modifyItem(changed, entry);
  }
}
"""


@pytest.fixture
def thunderbird(tmp_path: Path, unused_tcp_port: int) -> Iterator[Callable[[], Marionette]]:
    """Give a way to start Thunderbird with a new profile."""
    program = tools.require("thunderbird", "on Debian: sudo apt install thunderbird")
    profile = tmp_path / "profile"
    profile.mkdir()
    (profile / "user.js").write_text(_PREFERENCES.format(port=unused_tcp_port), encoding="ascii")
    running: list[subprocess.Popen[bytes]] = []
    sessions: list[Marionette] = []

    def start() -> Marionette:
        options = ["--headless", "--marionette", "--remote-allow-system-access", "--no-remote"]
        environment = {**os.environ, "HOME": str(tmp_path), "MOZ_HEADLESS": "1"}
        with (tmp_path / "thunderbird.log").open("wb") as log:
            command = [program, *options, "--profile", str(profile)]
            running.append(subprocess.Popen(command, env=environment, stdout=log, stderr=log))  # noqa: S603
        sessions.append(Marionette(unused_tcp_port, _SECONDS))
        return sessions[-1]

    yield start
    for session in sessions:
        session.close()
    for process in running:
        process.wait(60)


def wait_for(found: Callable[[], bool]) -> bool:
    """Return whether something is so within a minute."""
    end = time.monotonic() + 60
    while not found():
        if time.monotonic() > end:
            return False
        time.sleep(0.3)
    return True


def test_thunderbird_edits_records_of_flowfact(
    agency: Agency, server: Server, thunderbird: Callable[[], Marionette]
) -> None:
    counts = records.fill(agency)
    server.start()
    before = agency.office.everything()
    session = thunderbird()
    assert session.run(_HEAD + _ACCOUNTS, server.base, counts) == counts["addresses"]
    session.run(_HEAD + _EDIT, counts, "harmless")

    def all_came() -> bool:
        served = records.texts(server.device())
        return all("Maxi" in text or "X-OWN:1" in text for texts in served.values() for text in texts)

    assert wait_for(all_came)
    assert agency.office.everything() == before


def test_what_is_edited_in_thunderbird_reaches_flowfact(
    agency: Agency, server: Server, thunderbird: Callable[[], Marionette]
) -> None:
    counts = records.fill_few(agency)
    server.start()
    before = agency.office.everything()
    session = thunderbird()
    session.run(_HEAD + _ACCOUNTS, server.base, counts)
    session.run(_HEAD + _EDIT, counts, "real")
    assert wait_for(lambda: len(records.changed(before, agency.office.everything())) >= len(records.EDITED))
    assert records.changed(before, agency.office.everything()) == records.EDITED
    server.verify()
