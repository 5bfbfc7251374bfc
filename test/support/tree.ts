import { createHash } from 'node:crypto';
import { lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';

/** Everything below a folder, hidden files too, sorted: folders end in `/`, links show where they point. */
export function treeOf(folder: string): string[] {
  return entriesOf(folder, '').toSorted();
}

/** What a folder holds to the last byte, for "nothing was changed": path, kind, mode and digest of each entry. */
export function contentOf(folder: string): string[] {
  return treeOf(folder).map((path) => {
    const [name = ''] = path.split(' -> ');
    const info = lstatSync(join(folder, name));
    const digest = info.isFile()
      ? createHash('sha256')
          .update(readFileSync(join(folder, name)))
          .digest('hex')
      : '';
    return `${path} ${(info.mode & 0o7777).toString(8)} ${digest}`;
  });
}

/** What no finished run may leave anywhere: temporary files, locks, and folders of backups without a manifest. */
export function litterIn(folder: string): string[] {
  const tree = treeOf(folder);
  const isHalf = (path: string): boolean =>
    /(^|\/)\d{8}T\d{6}Z-[0-9a-f]{8}\/$/.test(path) && !tree.includes(`${path}manifest.json`);
  return tree.filter((path) => /\.dbops-tmp|(lock|claim\.[^/]*)\.json$|\.tmp/.test(path) || isHalf(path));
}

function entriesOf(folder: string, prefix: string): string[] {
  return readdirSync(join(folder, prefix), { withFileTypes: true }).flatMap((entry) => {
    const path = `${prefix}${entry.name}`;
    if (entry.isDirectory()) return [`${path}/`, ...entriesOf(folder, `${path}/`)];
    return [entry.isSymbolicLink() ? `${path} -> ${readlinkSync(join(folder, path))}` : path];
  });
}
