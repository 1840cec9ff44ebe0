// Reads texts as JSON and writes what two versions of ical.js make of each: node respell.mjs < texts.json

import { readFileSync } from "node:fs";
import current from "ical.js";
import old from "ical.js-1";

const texts = JSON.parse(readFileSync(0, "utf8"));
const written = (library) => texts.map((text) => library.stringify(library.parse(text)));
process.stdout.write(JSON.stringify({ "ical.js 2": written(current), "ical.js 1.5": written(old) }));
