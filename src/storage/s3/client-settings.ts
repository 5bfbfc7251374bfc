import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { resolve } from 'node:path';
import { getCACertificates } from 'node:tls';
import { DbopsError, messageOf } from '../../core/errors.ts';
import type { StorageAddress, StorageSettings } from '../../core/storage-settings.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** Everything a client needs to know of its store. */
export interface ClientSettings {
  readonly endpoint: string | undefined;
  readonly region: string;
  readonly pathStyle: boolean;
  readonly checksums: 'WHEN_SUPPORTED' | 'WHEN_REQUIRED';
  /** Undefined where the library's own chain of sources is meant. */
  readonly credentials: Credentials | undefined;
  readonly profile: string | undefined;
  /** Undefined for none, or for what the environment says. */
  readonly proxy: string | undefined;
  readonly proxyFromEnvironment: boolean;
  /** Certificates in PEM, the usual ones among them; undefined for the usual ones alone. */
  readonly trusted: readonly string[] | undefined;
}

interface Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
}

/** @throws DbopsError CONFIG_INVALID for what cannot be honoured */
export function toClientSettings({ settings, folder }: StorageAddress, env: Environment): ClientSettings {
  const { endpoint, region, pathStyle, profile, caFile, proxy, checksums } = settings;
  if (endpoint !== undefined) refusePlainText(endpoint);
  refuseContradictions(settings);
  return {
    endpoint,
    region: region ?? (env['AWS_REGION'] || env['AWS_DEFAULT_REGION'] || 'us-east-1'),
    pathStyle: pathStyle ?? endpoint !== undefined,
    checksums:
      (checksums ?? (endpoint === undefined ? 'always' : 'required')) === 'always' ? 'WHEN_SUPPORTED' : 'WHEN_REQUIRED',
    credentials: credentialsOf(settings),
    profile,
    proxy,
    proxyFromEnvironment: proxy === undefined && proxyVariables.some((name) => (env[name] ?? '') !== ''),
    trusted:
      caFile === undefined ? undefined : [...getCACertificates('default'), readCertificates(resolve(folder, caFile))],
  };
}

const proxyVariables = ['HTTPS_PROXY', 'https_proxy', 'HTTP_PROXY', 'http_proxy', 'ALL_PROXY', 'all_proxy'];

/** What is sent in clear can be read and changed on the way, the keys of new objects with it. */
function refusePlainText(endpoint: string): void {
  const { protocol, hostname } = new URL(endpoint);
  if (protocol === 'https:' || isLoopback(hostname)) return;
  throw new DbopsError('CONFIG_INVALID', `the endpoint ${endpoint} is not encrypted`, {
    hint: 'Write https:// (with caFile for a certificate of your own). Plain http:// is for this machine only, such as http://127.0.0.1:9000.',
  });
}

function isLoopback(hostname: string): boolean {
  const host = hostname.replace(/^\[(.*)\]$/, '$1').toLowerCase();
  return host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'));
}

function refuseContradictions({ lock, lockMode, kmsKeyId, serverSideEncryption }: StorageSettings): void {
  if (lockMode !== undefined && lock === undefined) {
    throw new DbopsError('CONFIG_INVALID', 'a storage has a lockMode and no lock', {
      hint: 'Write `lock: retention` beside it, or remove lockMode.',
    });
  }
  if (kmsKeyId !== undefined && serverSideEncryption?.startsWith('aws:kms') !== true) {
    throw new DbopsError('CONFIG_INVALID', 'a storage has a kmsKeyId that nothing uses', {
      hint: 'Write `serverSideEncryption: aws:kms` beside it, or remove kmsKeyId.',
    });
  }
}

function credentialsOf({
  accessKeyId,
  secretAccessKey,
  sessionToken,
  profile,
}: StorageSettings): Credentials | undefined {
  if (accessKeyId === undefined && secretAccessKey === undefined && sessionToken === undefined) return undefined;
  if (accessKeyId === undefined || secretAccessKey === undefined) {
    throw new DbopsError('CONFIG_INVALID', 'a storage has half of its credentials', {
      hint: 'Give accessKeyId and secretAccessKey, or neither of them.',
    });
  }
  if (profile !== undefined) {
    throw new DbopsError('CONFIG_INVALID', 'a storage has credentials and a profile', {
      hint: 'Remove one of them.',
    });
  }
  return { accessKeyId, secretAccessKey, ...(sessionToken === undefined ? {} : { sessionToken }) };
}

function readCertificates(path: string): string {
  const text = readText(path);
  if (text.includes('-----BEGIN CERTIFICATE-----')) return text;
  throw new DbopsError('CONFIG_INVALID', `${path} holds no certificate`, {
    hint: 'caFile is a file in PEM: text with lines of -----BEGIN CERTIFICATE-----.',
  });
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new DbopsError('CONFIG_INVALID', `the certificates of a storage cannot be read: ${messageOf(error)}`, {
      hint: 'Correct caFile; relative paths start at the configuration.',
      cause: error,
    });
  }
}
