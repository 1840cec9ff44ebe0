// Keeps what tsdav knows of one account and does what ../test_tsdav.py tells it, a line of JSON each way.

import readline from "node:readline";
import { createDAVClient } from "tsdav";

const [serverUrl, accountType] = process.argv.slice(2);
const isCalendar = accountType === "caldav";
const client = await createDAVClient({
  serverUrl,
  credentials: { username: "anna", password: "pw" },
  authMethod: "Basic",
  defaultAccountType: accountType,
});
const collections = {};
const nameOf = (url) => decodeURIComponent(new URL(url).pathname.replace(/\/$/, "").split("/").pop());
const names = (objects) => objects.map((object) => nameOf(object.url)).sort();
const told = async (response) => ({ status: response.status, etag: response.headers.get("etag"), text: await response.text() });

const known = (name, href) => {
  const found = collections[name].objects.find((object) => nameOf(object.url) === href);
  if (!found) throw new Error(`${href} is not known in ${name}`);
  return found;
};

// Without a filter tsdav asks for events only.
const only = (component) => ({
  "comp-filter": { _attributes: { name: "VCALENDAR" }, "comp-filter": { _attributes: { name: component } } },
});

const commands = {
  async discover() {
    const found = await (isCalendar ? client.fetchCalendars() : client.fetchAddressBooks());
    for (const collection of found) collections[nameOf(collection.url)] = { ...collection, objects: [] };
    return found.map((one) => ({
      name: nameOf(one.url), title: one.displayName, components: one.components, reports: one.reports,
    }));
  },
  async first({ name }) {
    const collection = collections[name];
    const fetched = isCalendar
      ? await client.fetchCalendarObjects({ calendar: collection, filters: only(collection.components[0]) })
      : await client.fetchVCards({ addressBook: collection });
    collection.objects = fetched;
    return names(fetched);
  },
  async sync({ name }) {
    const collection = collections[name];
    const objectMultiGet = isCalendar ? client.calendarMultiGet : client.addressBookMultiGet;
    const given = { ...collection, objectMultiGet };
    const { objects, syncToken } = await client.smartCollectionSyncDetailed({ collection: given, method: "webdav" });
    const gone = new Set([...objects.updated, ...objects.deleted].map((object) => object.url));
    const kept = collection.objects.filter((object) => !gone.has(object.url));
    collection.objects = [...kept, ...objects.created, ...objects.updated];
    collection.syncToken = syncToken;
    return { created: names(objects.created), updated: names(objects.updated), deleted: names(objects.deleted) };
  },
  read: async ({ name, href }) => known(name, href).data,
  async create({ name, href, text }) {
    return told(
      isCalendar
        ? await client.createCalendarObject({ calendar: collections[name], filename: href, iCalString: text })
        : await client.createVCard({ addressBook: collections[name], filename: href, vCardString: text }),
    );
  },
  async edit({ name, href, text }) {
    const changed = { ...known(name, href), data: text };
    return told(
      isCalendar
        ? await client.updateCalendarObject({ calendarObject: changed })
        : await client.updateVCard({ vCard: changed }),
    );
  },
  async remove({ name, href }) {
    const object = known(name, href);
    return told(
      isCalendar ? await client.deleteCalendarObject({ calendarObject: object }) : await client.deleteVCard({ vCard: object }),
    );
  },
};

for await (const line of readline.createInterface({ input: process.stdin })) {
  const { command, ...given } = JSON.parse(line);
  let answer;
  try {
    answer = { result: await commands[command](given) };
  } catch (error) {
    answer = { error: error.stack };
  }
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
