// Looks for what keeps people with a screen reader or a keyboard from using a page.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";

// Rules of WCAG 2.2, A and AA, and of good practice. The page is to be opened with `bypassCSP`: its own policy
// lets no other script run.
export const accessible = async (page, nodeFolder, name) => {
  await page.evaluate(readFileSync(join(nodeFolder, "node_modules/axe-core/axe.min.js"), "utf8"));
  const { violations } = await page.evaluate(() => globalThis.axe.run());
  const told = violations.map(({ id, help, nodes }) => `${id}: ${help}: ${nodes.map((node) => node.html).slice(0, 3).join(" | ")}`);
  assert.deepEqual(told, [], name);
};
