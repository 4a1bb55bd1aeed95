// Reads every file as a CloudEvent, strictly.
const { readFileSync } = require("node:fs");
const { CloudEvent } = require("cloudevents");

let failed = 0;
for (const path of process.argv.slice(2)) {
  try {
    new CloudEvent(JSON.parse(readFileSync(path, "utf8")), true).validate();
  } catch (error) {
    console.log(`${path}: ${error.message} ${JSON.stringify(error.errors ?? "")}`);
    failed = 1;
  }
}
process.exit(failed);
