// Parses every document; an error, not a warning, fails it.
const { readFileSync } = require("node:fs");
const { Parser } = require("@asyncapi/parser");

(async () => {
  const parser = new Parser();
  let failed = 0;
  for (const path of process.argv.slice(2)) {
    const { document, diagnostics } = await parser.parse(readFileSync(path, "utf8"));
    const errors = diagnostics.filter((d) => d.severity === 0);
    if (!document || errors.length > 0) {
      failed = 1;
      for (const e of errors) console.log(`${path}: ${e.path.join("/")}: ${e.message}`);
    }
  }
  process.exit(failed);
})();
