// Holds resources against the schemas of Strimzi's definitions: node strimzi.js FILE, a JSON list of
// { at, value }.
const fs = require("node:fs");
const path = require("node:path");
const { pathToFileURL } = require("node:url");

const root = path.join(process.env.NODE_PATH, "@kubernetes-models/strimzi-kafka-operator");

(async () => {
  const wrong = [];
  for (const { at, value } of JSON.parse(fs.readFileSync(process.argv[2], "utf8"))) {
    const file = path.join(root, value.apiVersion, `${value.kind}.js`);
    const type = (await import(pathToFileURL(file)))[value.kind];
    try {
      new type(value).validate();
    } catch (e) {
      wrong.push(`${at}: ${value.kind} ${value.metadata.name}: ${e.message}`);
    }
  }
  if (wrong.length > 0) {
    console.error(wrong.join("\n"));
    process.exit(1);
  }
})();
