#!/usr/bin/env node
// Starts dist/main.js. Must parse on old versions of Node: only there it has something to say.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import module from 'node:module';
import { fileURLToPath } from 'node:url';

const [major, minor] = process.versions.node.split('.').map(Number);
if (major > 22 || (major === 22 && minor >= 15)) {
  // Compiled code is kept between runs: a third of the start-up time.
  module.enableCompileCache();
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
  // A Ctrl-C reaches the child by itself; the others are for one process only.
  for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  process.on('SIGINT', () => undefined);
  child.on('exit', (code, signal) => {
    process.exitCode = signal === null ? code : 1;
  });
}
