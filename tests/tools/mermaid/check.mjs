// Reads a JSON list of {name, kind: "mermaid" | "xml", text, holds?} on stdin; exits 1 with a line for each
// entry that the real parser refuses or that lacks a text which it must hold.
import { JSDOM } from "jsdom";

const dom = new JSDOM("<!DOCTYPE html><body></body>");
globalThis.window = dom.window;
globalThis.document = dom.window.document;
for (const name of ["Element", "Node", "HTMLElement", "SVGElement", "DocumentFragment"]) {
  globalThis[name] = dom.window[name];
}
const { default: mermaid } = await import("mermaid");
mermaid.initialize({ startOnLoad: false });

const chunks = [];
for await (const chunk of process.stdin) chunks.push(chunk);
let bad = 0;
for (const { name, kind, text, holds } of JSON.parse(Buffer.concat(chunks).toString("utf8"))) {
  try {
    if (kind === "mermaid") {
      await mermaid.parse(text);
    } else {
      const parsed = new dom.window.DOMParser().parseFromString(text, "image/svg+xml");
      for (const wanted of holds ?? []) {
        const found = [...parsed.querySelectorAll("text, title")].some((t) => t.textContent === wanted);
        if (!found) throw new Error(`no text ${JSON.stringify(wanted)}`);
      }
    }
  } catch (error) {
    bad += 1;
    console.error(`${name}: ${String(error.message ?? error).slice(0, 400)}\n${text.slice(0, 600)}`);
  }
}
process.exit(bad === 0 ? 0 : 1);
