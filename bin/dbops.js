#!/usr/bin/env node
// Starts dist/main.js. Must parse on old versions of Node: only there it has something to say.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { constants } from 'node:os';
import { fileURLToPath } from 'node:url';

const [major, minor] = process.versions.node.split('.').map(Number);
if (major > 22 || (major === 22 && minor >= 15)) {
  // Without Node's cache of compiled code: it would run what anybody left in a shared temporary folder.
  const { main } = await import('../dist/main.js');
  await main();
} else {
  runUnderInstalledNode();
}

/** The npm package `node` brings a newer one; it stands in node_modules here, or beside this package. */
function runUnderInstalledNode() {
  const places = ['../node_modules/node/bin/node', '../../node/bin/node'];
  const node = places.map((place) => fileURLToPath(new URL(place, import.meta.url))).find((path) => existsSync(path));
  if (node === undefined) {
    console.error(`error: dbops needs Node 22.15 or newer, this is ${process.versions.node}`);
    console.error('hint: Install a newer Node, or run `npm install node@24` beside dbops.');
    process.exitCode = 4;
    return;
  }
  const child = spawn(node, [fileURLToPath(import.meta.url), ...process.argv.slice(2)], { stdio: 'inherit' });
  for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  process.on('SIGINT', () => {
    // A Ctrl-C at a terminal reaches the child by itself; where there is none, a signal is for one process only.
    if (!process.stdin.isTTY) child.kill('SIGINT');
  });
  child.on('exit', (code, signal) => {
    process.exitCode = signal === null ? code : 128 + constants.signals[signal];
  });
}
