import { z } from 'zod';
import { isByteRate } from './byte-rate.ts';

const word = z.string().regex(/^[^\0\r\n]{1,1000}$/, 'write one line of 1 to 1000 characters');

/**
 * What can be said of a storage beside its address; a driver refuses what it has no use for. All of it is for
 * object stores but `limitRate`.
 */
export const storageSettingsSchema = z.strictObject({
  endpoint: z
    .string()
    .regex(/^https?:\/\/[^\s/@]+(\/[^\s@]*)?$/, 'write https://host or https://host:port, without a login')
    .refine((text) => URL.canParse(text), 'write https://host:port, with a port below 65536')
    .optional()
    .describe('Where the store is reached, for stores other than AWS: https://host:port.'),
  region: word.optional().describe('The region of the bucket (default: AWS_REGION, else us-east-1).'),
  pathStyle: z
    .boolean()
    .optional()
    .describe('The bucket in the path instead of the host name (default: true with endpoint, false without).'),
  profile: word.optional().describe('A profile of the shared AWS configuration.'),
  accessKeyId: word.optional().describe("Where the SDK's own sources of credentials are not meant."),
  secretAccessKey: word.optional().describe('Written as ${VARIABLE}, never in clear.'),
  sessionToken: word.optional().describe('Of temporary credentials.'),
  serverSideEncryption: z
    .enum(['AES256', 'aws:kms', 'aws:kms:dsse'])
    .optional()
    .describe('How the store encrypts what it keeps.'),
  kmsKeyId: word.optional().describe('With aws:kms, the key.'),
  storageClass: z
    .string()
    .regex(/^[A-Z][A-Z0-9_]{1,40}$/, 'write STANDARD_IA or another storage class')
    .optional()
    .describe('Storage class of the stored parts; the small files that describe them stay in the standard class.'),
  caFile: z
    .string()
    .min(1)
    .optional()
    .describe('Certificates (PEM) that are trusted for this store, beside the usual ones.'),
  proxy: z
    .string()
    .regex(/^(https?|socks5h?):\/\/\S+$/, 'write http://host:port')
    .optional()
    .describe('A proxy on the way there (default: HTTPS_PROXY, HTTP_PROXY and NO_PROXY).'),
  checksums: z
    .enum(['always', 'required'])
    .optional()
    .describe('Whether checksums are sent that some stores refuse (default: required with endpoint, else always).'),
  lock: z
    .literal('retention')
    .optional()
    .describe('Lock each object for as long as retention keeps its backup; the bucket needs object lock.'),
  lockMode: z
    .enum(['governance', 'compliance'])
    .optional()
    .describe('Who may lift a lock: those with the right to (governance, the default), or nobody (compliance).'),
  limitRate: z
    .string()
    .refine(isByteRate, 'write bytes a second: 500kB, 10MB, 1MiB')
    .optional()
    .describe('Most bytes a second that are written to it: 500kB, 10MB.'),
});

export type StorageSettings = Readonly<z.infer<typeof storageSettingsSchema>>;

/** One storage, with everything that was said about it. */
export interface StorageAddress {
  /** A folder, or a URL with its scheme; holds no secrets. */
  readonly location: string;
  /** Relative paths start here. */
  readonly folder: string;
  readonly settings: StorageSettings;
}
