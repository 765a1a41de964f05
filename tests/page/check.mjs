// Opens pages of `report` in a browser, as people with narrow, wide, light and dark screens do.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { cpSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";

import { accessible } from "./axe.mjs";

const [nodeFolder, binary, executablePath, pictures] = process.argv.slice(2);
const { chromium } = createRequire(join(nodeFolder, "x.js"))("playwright-core");

const HOSTILE = [
  "<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "</script><script>alert(1)</script>",
  "<!--<script>", "\u202Egnp.exe@example.com", "' onfocus=alert(1) autofocus '",
];

// A run of many rows, most of which failed.
const makeLarge = (rows) => {
  cpSync("wrong", "large", { recursive: true });
  const lines = [];
  const tally = { read: rows, updated: 0, unchanged: 0, invalid: 0, rejected: 0, gave_up: 0, unknown: 0, not_attempted: 0 };
  for (let row = 1; row <= rows; row += 1) {
    const status = ["rejected", "rejected", "gave_up", "unknown"][row % 4];
    tally[status] += 1;
    const name = row <= HOSTILE.length ? HOSTILE[row - 1] : `user${row}@example.com`;
    const at = new Date(Date.UTC(2026, 10, 27, 10) + row * 150).toISOString();
    const error = row % 4 === 3
      ? { kind: "timeout", message: "no answer in time", hint: "look at the user" }
      : { kind: "user_not_found", code: "E112102", message: `no user ${name}`, hint: "correct the login ID" };
    lines.push(JSON.stringify({
      version: 1, file: "users.csv", row, line: row + 1, operation: "phone", loginId: name, status, attempts: 1,
      requests: [{ at, path: "/v1/mgmt/user/update/phone", waitedMs: (row % 7) * 100, tookMs: 30,
        httpStatus: row % 500 < 4 ? 429 : 404 }],
      durationMs: 40, finishedAt: at, error,
    }));
  }
  writeFileSync("large/results.jsonl", `${lines.join("\n")}\n`);
  const summary = JSON.parse(readFileSync("large/summary.json"));
  writeFileSync("large/summary.json", JSON.stringify({ ...summary, tally, startedAt: "2026-11-27T10:00:00.000Z" }));
};

const report = (...words) => execFileSync(binary, ["report", ...words], { stdio: ["ignore", "ignore", "inherit"] });

const open = async (browser, file, options = {}) => {
  const context = await browser.newContext(options);
  const page = await context.newPage();
  const wrong = [];
  const url = pathToFileURL(resolve(file)).href;
  page.on("request", (request) => { if (request.url().split("#")[0] !== url) wrong.push(request.url()); });
  page.on("console", (message) => { if (message.type() !== "log") wrong.push(message.text()); });
  page.on("pageerror", (error) => wrong.push(String(error)));
  page.on("dialog", (dialog) => { wrong.push(`dialog ${dialog.message()}`); dialog.dismiss(); });
  await page.goto(url);
  return { page, done: async () => { await context.close(); assert.deepEqual(wrong, [], file); } };
};

const count = (page) => page.locator("section.failed .count").first();
const waitForCount = (page, text) => page.waitForFunction(
  (wanted) => document.querySelector("section.failed .count").textContent === wanted, text, { timeout: 20_000 });

// Screens of every kind: nothing is cut off, nothing is asked for.
const look = async (browser, file, name) => {
  for (const width of [360, 1280]) {
    for (const colorScheme of ["light", "dark"]) {
      const { page, done } = await open(browser, file, { viewport: { width, height: 900 }, colorScheme });
      const { scrollWidth } = await page.evaluate(() => ({ scrollWidth: document.documentElement.scrollWidth }));
      assert.ok(scrollWidth <= width, `${file}: ${scrollWidth} px wide at ${width} px`);
      await page.screenshot({ path: join(pictures, `${name}-${width}-${colorScheme}.png`), fullPage: true });
      await done();
    }
  }
};

const search = async (browser) => {
  const opening = Date.now();
  const { page, done } = await open(browser, "large.html", { viewport: { width: 1280, height: 900 } });
  await waitForCount(page, "100,000 of 100,000 rows");
  console.log(`opening a page with 100,000 failed rows: ${Date.now() - opening} ms`);
  const box = page.getByLabel("Search");
  const began = Date.now();
  await box.fill("user4321@");
  await waitForCount(page, "1 of 100,000 rows");
  console.log(`search in 100,000 rows: ${Date.now() - began} ms, the pause of typing included`);
  await box.fill("");
  await page.getByLabel("Status").selectOption({ label: "unknown" });
  await waitForCount(page, "25,000 of 100,000 rows");
  await page.getByLabel("Cause").selectOption({ index: 1 });
  await waitForCount(page, "0 of 100,000 rows");
  await page.getByLabel("Cause").selectOption("");
  await page.getByLabel("Status").selectOption("");
  await waitForCount(page, "100,000 of 100,000 rows");

  // Sorting, by the keyboard.
  const head = page.locator("section.failed th", { hasText: "Row" });
  assert.equal(await head.getAttribute("aria-sort"), "ascending");
  await head.getByRole("button").focus();
  const sorting = Date.now();
  await page.keyboard.press("Enter");
  assert.equal(await head.getAttribute("aria-sort"), "descending");
  console.log(`sorting 100,000 rows: ${Date.now() - sorting} ms`);
  const first = page.locator("section.failed tbody tr").first();
  assert.equal(await first.locator("td").first().textContent(), "100000");
  await page.getByRole("button", { name: "Next" }).click();
  assert.equal(await first.locator("td").first().textContent(), "99900");
  assert.equal(await page.locator("section.failed tbody tr").count(), 100);

  // Hostile names are text.
  await box.fill("<script>alert(1)</script>");
  await waitForCount(page, "2 of 100,000 rows");
  const shown = await page.locator("section.failed tbody").innerText();
  assert.ok(shown.includes("<script>alert(1)</script>"), shown);
  assert.equal(await page.locator("img").count(), 0);
  await box.fill("gnp.exe");
  await waitForCount(page, "1 of 100,000 rows");
  assert.ok((await page.locator("section.failed tbody").innerText()).includes("⟨U+202E⟩gnp.exe"));
  await done();
};

const theme = async (browser) => {
  const { page, done } = await open(browser, "large.html", { colorScheme: "dark" });
  const back = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  const dark = await back();
  await page.getByRole("button", { name: "Light colours" }).press("Enter");
  assert.notEqual(await back(), dark);
  await page.getByRole("button", { name: "Dark colours" }).press("Enter");
  assert.equal(await back(), dark);
  await page.emulateMedia({ media: "print" });
  assert.notEqual(await back(), dark, "paper is white");
  await page.screenshot({ path: join(pictures, "print.png") });
  await done();
};

const forEveryone = async (browser) => {
  for (const file of ["real.html", "short.html", "several.html"]) {
    for (const colorScheme of ["light", "dark"]) {
      const { page, done } = await open(browser, file, { bypassCSP: true, colorScheme });
      await accessible(page, nodeFolder, `${file}, ${colorScheme}`);
      await done();
    }
  }
};

const withoutScript = async (browser) => {
  const { page, done } = await open(browser, "large.html", { javaScriptEnabled: false });
  assert.equal(await page.locator("section.failed tbody tr").count(), 100);
  assert.equal(await page.locator("form").isVisible(), false);
  assert.ok((await count(page).textContent()).includes("first 100"));
  await done();
};

makeLarge(100_000);
report("large", "-o", "large.html", "--with-values", "--max-failures", "100000");
report("large", "-o", "short.html");
report("real", "wrong", "large", "-o", "several.html");
for (const file of ["large.html", "short.html", "several.html"]) {
  console.log(`${file}: ${statSync(file).size} bytes`);
}
assert.ok(statSync("short.html").size < 3e6);
const browser = await chromium.launch({ executablePath, args: ["--no-sandbox"] });
try {
  await look(browser, "real.html", "run");
  await look(browser, "short.html", "large");
  await look(browser, "several.html", "several");
  await search(browser);
  await theme(browser);
  await withoutScript(browser);
  await forEveryone(browser);
} finally {
  await browser.close();
}
console.log("the pages are as they should be");
