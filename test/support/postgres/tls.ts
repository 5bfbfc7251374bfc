import { chmod, chown } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import type { Account } from './server.ts';

/** Writes a key and a certificate signed by itself where PostgreSQL looks for them. */
export async function writeCertificate(dataFolder: string, account: Account): Promise<void> {
  const key = join(dataFolder, 'server.key');
  const certificate = join(dataFolder, 'server.crt');
  const names = 'subjectAltName=IP:127.0.0.1,DNS:localhost';
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-noenc'];
  const subject = ['-subj', '/CN=localhost', '-addext', names, '-days', '2'];
  await execa('openssl', ['req', '-x509', ...curve, ...subject, '-keyout', key, '-out', certificate]);
  for (const path of [key, certificate]) {
    await chmod(path, 0o600);
    if (account.uid !== undefined) await chown(path, account.uid, account.gid);
  }
}
