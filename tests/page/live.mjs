// Opens the page of a run that goes on in a browser, steers the run from there, and looks at what arrives.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { createInterface } from "node:readline";

import { accessible } from "./axe.mjs";

const [nodeFolder, binary, executablePath, pictures] = process.argv.slice(2);
const { chromium } = createRequire(join(nodeFolder, "x.js"))("playwright-core");

const ROWS = 20_000;
const HOSTILE = "<script>alert(1)</script>@example.com";
const rows = ["loginId,name"];
for (let row = 1; row <= ROWS; row += 1) {
  rows.push(row === 7 ? `${HOSTILE},` : `user${row}@example.com,${row % 40 ? "N" : ""}`);
}
writeFileSync("live.csv", `${rows.join("\n")}\n`);

// The first line of a stream that fits.
const line = (stream, fits) => new Promise((found, failed) => {
  const lines = createInterface({ input: stream });
  lines.on("line", (text) => { if (fits.test(text)) found(text.match(fits)[0]); });
  lines.on("close", () => failed(new Error(`no line like ${fits}`)));
});
const pause = (ms) => new Promise((done) => { setTimeout(done, ms); });
const arrivals = () => (existsSync("live.log") ? readFileSync("live.log", "utf8").split("\n").length - 1 : 0);
const until = async (what, holds) => {
  const deadline = Date.now() + 30_000;
  while (!await holds()) {
    assert.ok(Date.now() < deadline, `waited in vain: ${what}`);
    await pause(20);
  }
};

const simulator = spawn(binary, [
  "simulate", "--listen", "127.0.0.1:0", "--log", "live.log", "--create-missing", "--rate-limit", "off",
  "--latency", "20ms", "--fault", "400:rate=0.02",
], { stdio: ["ignore", "pipe", "ignore"] });
const run = spawn(binary, [
  "run", "live.csv", "--operation", "name", "--rate", "40/s", "--max-invalid", "100%", "--max-same-failures", "0",
  "--no-keep-before", "--serve", "127.0.0.1:0", "--out", "live", "--yes",
], {
  stdio: ["ignore", "ignore", "pipe"],
  env: {
    ...process.env,
    DESCOPE_BASE_URL: await line(simulator.stdout, /http:\S+/),
    DESCOPE_PROJECT_ID: "P2testtesttesttesttesttestte",
    DESCOPE_MANAGEMENT_KEY: "K2secretsecretsecret",
  },
});
const exited = new Promise((done) => { run.on("exit", done); });
const url = await line(run.stderr, /http:\S+\//);
const origin = new URL(url).origin;

const browser = await chromium.launch({ executablePath, args: ["--no-sandbox"] });
const wrong = [];
const open = async (options = {}) => {
  const page = await (await browser.newContext(options)).newPage();
  page.on("request", (request) => { if (!request.url().startsWith(origin)) wrong.push(request.url()); });
  page.on("console", (message) => { if (message.type() !== "log") wrong.push(message.text()); });
  page.on("pageerror", (error) => wrong.push(String(error)));
  page.on("dialog", (dialog) => { wrong.push(`dialog ${dialog.message()}`); dialog.dismiss(); });
  const answer = await page.goto(url);
  assert.ok(answer.headers()["content-security-policy"].includes("default-src 'none'"));
  await page.waitForFunction(() => document.querySelectorAll("#statuses tr").length > 0);
  return page;
};
const headline = (page, text) => page.waitForFunction(
  (wanted) => document.getElementById("headline").textContent.includes(wanted), text, { timeout: 20_000 });
const press = async (page, name, answer = "Yes") => {
  await page.getByRole("button", { name, exact: true }).click();
  await page.getByRole("dialog").getByRole("button", { name: answer, exact: true }).click();
};

try {
  const page = await open({ viewport: { width: 1280, height: 900 } });
  await headline(page, "Sending");
  await until("requests arrive", () => arrivals() > 60);

  // No is no.
  await press(page, "Pause", "No");
  const before = arrivals();
  await until("it goes on", () => arrivals() > before + 40);

  await press(page, "Pause");
  const asked = Date.now();
  await page.getByRole("button", { name: "Resume", exact: true }).and(page.locator(":enabled")).waitFor();
  await pause(Math.max(0, asked + 1000 - Date.now()));
  const [paused, since] = [arrivals(), Date.now()];
  await headline(page, "Paused");
  await pause(2000);
  assert.equal(arrivals(), paused, "nothing arrives a second after the pause was confirmed");
  console.log(`paused: no arrival in ${Date.now() - since} ms, from one second after the click on`);
  assert.equal(await page.getByRole("button", { name: "Pause", exact: true }).isDisabled(), true);

  // Screens of every kind, while nothing moves.
  for (const width of [360, 1280]) {
    for (const colorScheme of ["light", "dark"]) {
      const small = await open({ viewport: { width, height: 900 }, colorScheme });
      await headline(small, "Paused");
      const wide = await small.evaluate(() => document.documentElement.scrollWidth);
      assert.ok(wide <= width, `${wide} px wide at ${width} px`);
      await small.screenshot({ path: join(pictures, `live-${width}-${colorScheme}.png`), fullPage: true });
      await small.context().close();
    }
  }
  for (const colorScheme of ["light", "dark"]) {
    const own = await open({ bypassCSP: true, colorScheme });
    await accessible(own, nodeFolder, `live, ${colorScheme}`);
    await own.context().close();
  }
  const back = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  const light = await back();
  await page.getByRole("button", { name: "Dark colours" }).click();
  assert.notEqual(await back(), light);

  await press(page, "Resume");
  await until("it goes on", () => arrivals() > paused + 20);
  await press(page, "Slower");
  await page.waitForFunction(() => document.getElementById("facts").textContent.includes("slowed to 75%"));
  await press(page, "Faster");
  await page.waitForFunction(() => !document.getElementById("facts").textContent.includes("slowed"));

  // Failed rows: their names are text, shortened, and can be searched.
  await page.getByLabel("Search").fill("row sets no field");
  await page.waitForFunction(() => document.getElementById("count").textContent.includes("of the latest"));
  const shown = await page.locator("#latest").innerText();
  assert.ok(shown.includes("<s…@example.com") && !shown.includes("user40@"), shown);
  assert.equal(await page.locator("#latest script").count(), 0);

  // The whole report so far is the one of `report`.
  const report = await page.context().newPage();
  await report.goto(`${url}report`);
  assert.ok((await report.locator("main").innerText()).includes("This run is not finished"));
  await report.close();

  await press(page, "Finish requests in flight and stop");
  await headline(page, "Stopped early: stopped from its page");
  assert.equal(await page.getByRole("button", { name: "Resume", exact: true }).isDisabled(), true);
  const done = await page.locator("#interventions").innerText();
  for (const word of ["paused", "resumed", "the pace is 75% of the limit", "the pace is 100%", "stop"]) {
    assert.ok(done.includes(word), done);
  }
  assert.equal(await exited, 3);
  const { stopped, interventions, waited } = JSON.parse(readFileSync("live/summary.json", "utf8"));
  assert.equal(stopped.reason, "stopped_from_page");
  assert.deepEqual(interventions.map((own) => own.action), ["paused", "resumed", "pace", "pace", "stopped"]);
  assert.ok(waited.heldMs >= 3000, JSON.stringify(waited));
  assert.deepEqual(wrong, []);
} finally {
  await browser.close();
  run.kill();
  simulator.kill();
}
