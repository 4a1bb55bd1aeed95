// Opens the chapters of a built book in Chromium, in every theme and on a phone, and measures what a
// reader sees. Usage: node check.mjs BOOK CHROMIUM [PAGE…]; says what is wrong and fails.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { chromium } from "playwright-core";

const [book, browserPath, ...pages] = process.argv.slice(2);
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const themes = ["light", "rust", "coal", "navy", "ayu"];
const faults = new Set();
const fault = (where, what) => faults.add(`${where}: ${what}`);
// Two designs with code in two languages.
const tabbed = ["designs/opentelemetry-demo.html", "designs/ride-hailing.html"];
for (const page of tabbed) if (!pages.includes(page)) fault(page, "is no page of the book");


const browser = await chromium.launch({
  executablePath: browserPath,
  args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync"],
});

// Pages have an origin, as on a site: what a browser keeps for pages from files reaches the next page late.
const site = "http://book.example";

async function open(page, theme, width) {
  const context = await browser.newContext({ viewport: { width, height: 900 } });
  await context.addInitScript((t) => localStorage.setItem("mdbook-theme", t), theme);
  await context.route(`${site}/**`, (route) => route
    .fulfill({ path: book + new URL(route.request().url()).pathname })
    .catch(() => route.fulfill({ status: 404 })));
  const tab = await context.newPage();
  await tab.goto(`${site}/${page}`);
  await tab.evaluate(async () => {
    document.querySelectorAll("main details").forEach((d) => { d.open = true; });
    await document.fonts.ready;
  });
  return { context, tab };
}

// Contrast of every text and line of the pictures with what lies behind them.
const contrast = () => {
  const channels = (text) => {
    const m = text.match(/rgba?\(([^)]*)\)/);
    if (!m) return null;
    const [r, g, b, a = 1] = m[1].split(/[ ,/]+/).map(Number);
    return [r, g, b, a];
  };
  const over = (c, share, back) => [0, 1, 2].map((i) => c[i] * share + back[i] * (1 - share));
  const light = (c) => {
    const [r, g, b] = c.map((v) => v / 255).map((v) => (v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ratio = (a, b) => {
    const [x, y] = [light(a), light(b)].sort((p, q) => q - p);
    return (x + 0.05) / (y + 0.05);
  };
  const back = channels(getComputedStyle(document.documentElement).backgroundColor).slice(0, 3);
  const out = [];
  for (const e of document.querySelectorAll(".msd-figure svg :is(text,path,rect,circle)")) {
    const style = getComputedStyle(e);
    const text = e.tagName === "text";
    const seen = [];
    const add = (colour, opacity) => {
      const c = colour !== "none" && channels(colour);
      if (c) seen.push(ratio(over(c, c[3] * Number(opacity), back), back));
    };
    if (!text) add(style.stroke, style.strokeOpacity);
    add(style.fill, style.fillOpacity);
    const best = Math.max(0, ...seen);
    const least = text ? 4.5 : 3;
    if (best < least) out.push(`${e.tagName}.${e.getAttribute("class")} has a contrast of ${best.toFixed(2)}, not ${least}`);
  }
  return [...new Set(out)];
};

// Texts inside their pictures and boxes, and apart from one another, in the browser's own measure.
const geometry = () => {
  const out = [];
  const box = (e) => e.getBoundingClientRect();
  const inside = (a, b, by) => a.left >= b.left - by && a.right <= b.right + by && a.top >= b.top - by && a.bottom <= b.bottom + by;
  for (const svg of document.querySelectorAll(".msd-figure svg")) {
    const name = svg.querySelector("title").textContent;
    const texts = [...svg.querySelectorAll("text")].map((e) => [e, box(e)]);
    for (const [e, r] of texts) {
      if (!inside(r, box(svg), 0)) out.push(`${name}: "${e.textContent}" leaves the picture`);
    }
    // A box and its words share a parent; words with a halo may lie on lines.
    for (const node of svg.querySelectorAll("a:has(> :is(rect,path)), g:has(> :is(rect,path)):has(> .n)")) {
      const shape = node.querySelector(":scope > :is(rect,path)");
      for (const e of node.querySelectorAll(":scope > text")) {
        if (!inside(box(e), box(shape), 0)) out.push(`${name}: "${e.textContent}" leaves its box`);
      }
    }
    for (let i = 0; i < texts.length; i++) {
      for (let j = i + 1; j < texts.length; j++) {
        const [a, b] = [texts[i][1], texts[j][1]];
        // The lines of one label touch: glyphs are lower than their boxes.
        if (a.left < b.right - 1 && b.left < a.right - 1 && a.top < b.bottom - 4 && b.top < a.bottom - 4) {
          out.push(`${name}: "${texts[i][0].textContent}" and "${texts[j][0].textContent}" overlap`);
        }
      }
    }
  }
  const ids = [...document.querySelectorAll("[id]")].map((e) => e.id);
  const twice = ids.filter((id, i) => ids.indexOf(id) !== i);
  if (twice.length) out.push(`ids stand twice: ${[...new Set(twice)].slice(0, 5).join(", ")}`);
  for (const e of document.querySelectorAll(".msd-figure [aria-labelledby]")) {
    for (const id of e.getAttribute("aria-labelledby").split(" ")) {
      if (!document.getElementById(id)?.textContent.trim()) out.push(`nothing is called ${id}`);
    }
  }
  for (const a of document.querySelectorAll(".msd-figure a")) {
    const target = decodeURIComponent(a.getAttribute("href")).replace(/^#/, "");
    if (!document.getElementById(target)) out.push(`a link of a picture leads to ${target}, which is not there`);
  }
  for (const svg of document.querySelectorAll(".msd-figure svg")) {
    if (!(svg.matches("[role=img]") || svg.querySelector("[role=img]"))) out.push("a picture is no image");
  }
  return out;
};

const overflow = () => {
  const over = document.documentElement.scrollWidth - window.innerWidth;
  return over > 0 ? [`the page is ${over} px too wide`] : [];
};

// What has colours of ours.
const ours = [".msd-figure", ".msd-matrix", ".msd-details > summary", ".msd-tabs > label"];
const marked = { include: ours };
// All that we write. Code is coloured by mdBook, letter by letter, which takes long to judge and is no matter of ours.
const written = { include: ["main"], exclude: ["main pre"] };

// By every rule of axe, of whatever level and impact, or by `rules` alone; colours only if asked for.
async function violations(tab, where, rules, colours = true) {
  if (!(await tab.evaluate(() => "axe" in window))) await tab.evaluate(axe);
  return tab.evaluate(async ([context, runOnly, ours, enabled]) => {
    const rules = { "color-contrast": { enabled } };
    const found = await window.axe.run(context, { ...(runOnly ? { runOnly } : { rules }), resultTypes: ["violations"] });
    const element = (n) => document.querySelector(n.target[0]);
    // Its themes have links and code of too little contrast, and it wraps every table in what browsers give the focus by
    // themselves.
    const ofMdbook = {
      "color-contrast": (n) => !element(n)?.closest(ours),
      "link-in-text-block": (n) => !element(n)?.closest(ours),
      "scrollable-region-focusable": (n) => element(n)?.matches(".table-wrapper, code[class^='language-']"),
    };
    return found.violations
      .map((v) => ({ ...v, nodes: v.nodes.filter((n) => !ofMdbook[v.id]?.(n)) }))
      .filter((v) => v.nodes.length)
      .map((v) => `axe ${v.id} (${v.impact}): ${v.nodes.length} × ${v.nodes[0].html.slice(0, 140)}`);
  }, [where, rules ? { type: "rule", values: rules } : null, ours.join(), colours]);
}

// Tabs without any script: one panel at a time, chosen with the keyboard, and all of them on paper.
async function tabs(page) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, javaScriptEnabled: false });
  const tab = await context.newPage();
  await tab.goto(`file://${book}/${page}`);
  const folded = tab.locator("details:has(> .msd-tabs)");
  for (const summary of await folded.locator("> summary").all()) await summary.click();
  const shown = () => tab.locator(".msd-tabs").evaluateAll((groups) => groups.map((g) =>
    [...g.querySelectorAll(":scope > .msd-panel")].map((p) => p.getBoundingClientRect().height > 0)));
  const groups = await shown();
  if (!groups.length) return fault(page, "has no tabs");
  if (!groups.every((g) => g.length > 1 && g.filter(Boolean).length === 1 && g[0])) fault(page, "not each group of tabs shows its first panel alone");
  await tab.locator(".msd-tabs > input").first().focus();
  await tab.keyboard.press("ArrowRight");
  const [changed, ...others] = await shown();
  if (!changed[1] || changed[0]) fault(page, "an arrow key does not choose the next tab");
  if (others.some((g) => !g[0])) fault(page, "a tab changes another group without a script");
  const ring = await tab.locator(".msd-tabs > input:checked + label").first().evaluate((l) => getComputedStyle(l).outlineStyle);
  if (ring === "none") fault(page, "the focus on a tab cannot be seen");
  await tab.emulateMedia({ media: "print" });
  if (!(await shown()).flat().every(Boolean)) fault(page, "paper does not show all panels");
  await context.close();
}

// With the script that the book asks for: one choice for the page and the next one.
async function remembered(page, next) {
  const { context, tab } = await open(page, "light", 1280);
  const label = tab.locator(".msd-tabs > label:nth-of-type(2)").last();
  await label.scrollIntoViewIfNeeded();
  const at = (await label.boundingBox()).y;
  await label.click();
  const moved = Math.abs((await label.boundingBox()).y - at);
  if (moved > 2) fault(page, `the chosen tab moves by ${moved} px`);
  const key = await tab.locator(".msd-tabs > input:checked").last().getAttribute("value");
  const kept = () => tab.locator(".msd-tabs").evaluateAll((groups, k) => groups
    .filter((g) => g.querySelector(`:scope > input[value="${k}"]`))
    .every((g) => g.querySelector(":scope > input:checked").value === k), key);
  if (!(await kept())) fault(page, "a choice does not hold for the page");
  await tab.goto(`${site}/${next}`);
  if (!(await kept())) fault(next, "a choice does not hold for the next page");
  await context.close();
}

// As a reader would, by mdBook's menu: the code's colours change as well.
const choose = (tab, theme) => tab.evaluate((t) => document.getElementById(`mdbook-theme-${t}`).click(), theme);

// By keyboard alone: every picture that scrolls takes the focus, shows it, and moves by the arrow keys.
async function keyboard(page, tab) {
  for (const pan of await tab.locator(".msd-pan").all()) {
    const state = await pan.evaluate((p) => {
      p.focus();
      const wide = p.scrollWidth > p.clientWidth + 1;
      return { wide, name: p.getAttribute("aria-label"), focused: document.activeElement === p };
    });
    if (!state.focused || !state.name) fault(page, `a picture that scrolls cannot be reached: ${JSON.stringify(state)}`);
  }
  for (const a of await tab.locator(".msd-figure a").evaluateAll((all) => all.map((l) => [l.textContent.trim(), l.tabIndex]))) {
    if (!a[0] || a[1] < 0) fault(page, `a link of a picture has no name or no place: ${a}`);
  }
  const wide = tab.locator(".msd-pan").first();
  if (!(await wide.count()) || !(await wide.evaluate((p) => p.scrollWidth > p.clientWidth + 1))) return;
  // From the button before it, as a reader comes.
  await wide.evaluate((p) => { p.scrollLeft = 0; p.previousElementSibling?.focus(); });
  await tab.keyboard.press("Tab");
  const ring = await wide.evaluate((p) => document.activeElement === p && getComputedStyle(p).outlineStyle);
  if (!ring || ring === "none") fault(page, `the focus on a picture cannot be seen: ${ring}`);
  await tab.keyboard.press("ArrowRight");
  await tab.waitForFunction((p) => p.scrollLeft > 0, await wide.elementHandle(), { timeout: 5000 })
    .catch(() => fault(page, "an arrow key does not move a picture"));
}

// Every picture and fold of a page, in every theme, on a desk and on a phone.
async function looks(page) {
  const { context, tab } = await open(page, "light", 1280);
  const designs = page.startsWith("designs/");
  figures += await tab.locator(".msd-figure svg").count();
  for (const f of await tab.evaluate(geometry)) fault(page, f);
  for (const f of await tab.evaluate(overflow)) fault(`${page}, 1280 px`, f);
  // The page of all designs holds what their own pages hold, colours too, but for its ids, links and headings.
  if (!designs) {
    for (const f of await violations(tab, written, null, false)) fault(`${page}, light`, f);
    return context.close();
  }
  await keyboard(page, tab);
  // Everything in a light and in a dark theme; the others differ in colours alone.
  for (const theme of themes) {
    await choose(tab, theme);
    const at = `${page}, ${theme}`;
    for (const f of await tab.evaluate(contrast)) fault(at, f);
    const whole = ["light", "navy"].includes(theme);
    for (const f of await (whole ? violations(tab, written) : violations(tab, marked, ["color-contrast"]))) fault(at, f);
  }
  // A phone's width changes no colour.
  await choose(tab, "light");
  await tab.setViewportSize({ width: 375, height: 900 });
  for (const f of await violations(tab, marked)) fault(`${page}, 375 px`, f);
  for (const f of await tab.evaluate(overflow)) fault(`${page}, 375 px`, f);
  await context.close();
}

// On a phone: what is wider says so by a shade at its edge, which goes away at the end, and opens over the whole page.
async function phone(page) {
  // Opened as narrow as it is: a page that becomes so keeps mdBook's sidebar in front of it.
  const { context, tab } = await open(page, "light", 375);
  const wide = await tab.locator(".msd-pan").evaluateAll((all) => all.map((p) => {
    p.scrollLeft = 0;
    const full = p.previousElementSibling;
    const { backgroundAttachment: how, backgroundImage: what } = getComputedStyle(p);
    return p.scrollWidth <= p.clientWidth + 1 ? null : {
      name: p.getAttribute("aria-label"),
      full: Boolean(full?.matches("input.msd-full")) && full.getBoundingClientRect().height >= 24,
      shade: how.includes("local") && how.includes("scroll") && what.split("gradient").length === 5,
    };
  }).filter(Boolean));
  if (!wide.length) fault(page, "no picture pans on a phone");
  for (const w of wide) if (!w.full || !w.shade) fault(page, `on a phone: ${JSON.stringify(w)}`);
  const full = tab.locator(".msd-full").first();
  await full.check();
  const pan = await tab.locator(".msd-full:checked + .msd-pan").boundingBox();
  if (pan.x !== 0 || pan.y !== 0 || pan.width < 360 || pan.height < 880) fault(page, `full size on a phone is ${JSON.stringify(pan)}`);
  await context.close();
}

async function printed(page) {
  const { context, tab } = await open(page, "light", 1280);
  const full = tab.locator(".msd-full:not(.msd-n)").first();
  if (await full.count()) {
    await full.check();
    const pan = await tab.locator(".msd-full:checked + .msd-pan").boundingBox();
    if (pan.x !== 0 || pan.width < 1200 || pan.height < 880) fault(page, `full size is ${JSON.stringify(pan)}`);
    await full.uncheck();
  }
  await tab.emulateMedia({ media: "print" });
  for (const f of await tab.evaluate(() => [...document.querySelectorAll(".msd-figure svg")]
    .filter((s) => {
      // A sheet of its own has room of its own, in millimetres; all else stands in the column.
      const sheet = s.closest(".msd-figure").className.match(/msd-a([1-4])(t?)/);
      const mm = sheet && [[821, 574], [574, 400], [400, 277], [277, 190]][sheet[1] - 1][sheet[2] ? 1 : 0];
      const { width, right } = s.getBoundingClientRect();
      return mm ? width > mm * 96 / 25.4 + 1 : right > document.querySelector("main").getBoundingClientRect().right + 1;
    })
    .map((s) => `${s.querySelector("title").textContent} is cut in print`))) fault(page, f);
  // What is folded but code is read on paper, where nothing can be opened.
  await tab.evaluate(() => document.querySelectorAll("main details").forEach((d) => { d.open = false; }));
  for (const f of await tab.evaluate(() => [...document.querySelectorAll("details:has(> ul, > p, > .msd-figure)")]
    .filter((d) => !d.querySelector(":scope > pre, :scope > .msd-tabs") && !d.parentElement.closest("details"))
    .filter((d) => d.getBoundingClientRect().height < d.querySelector("summary").getBoundingClientRect().height + 8)
    .map((d) => `${d.querySelector("summary").textContent} stays folded on paper`))) fault(page, f);
  await context.close();
}

let figures = 0;
async function check(page) {
  const began = Date.now();
  const next = tabbed.find((p) => p !== page);
  if (tabbed.includes(page)) {
    await tabs(page);
    await remembered(page, next);
  }
  if (page.startsWith("designs/")) {
    await printed(page);
    await phone(page);
  }
  await looks(page);
  console.log(`${page}: ${((Date.now() - began) / 1000).toFixed(1)} s`);
}
// Two at a time, from the end: the last page holds all designs and takes longest.
const left = [...pages];
const worker = async () => {
  for (let page = left.pop(); page; page = left.pop()) await check(page);
};
await Promise.all([worker(), worker()]);
await browser.close();
if (figures < pages.length) fault("book", `only ${figures} pictures in ${pages.length} pages`);
if (faults.size) {
  console.error([...faults].join("\n"));
  process.exit(1);
}
console.log(`${figures} pictures in ${pages.length} pages`);
