// Reads every file as the client of gRPC reads its service configuration.
const { readFileSync } = require("node:fs");
const { join } = require("node:path");
const { validateServiceConfig } = require(
  join(process.env.NODE_PATH, "@grpc/grpc-js/build/src/service-config.js"),
);

let failed = 0;
for (const path of process.argv.slice(2)) {
  try {
    const config = validateServiceConfig(JSON.parse(readFileSync(path, "utf8")));
    if (config.methodConfig.length === 0) throw new Error("no method");
  } catch (error) {
    console.log(`${path}: ${error.message}`);
    failed = 1;
  }
}
process.exit(failed);
