import type { ServerOfDocuments } from '../shell.ts';
import { createBucket } from './bucket.ts';

/**
 * What documents take for granted of a store: the buckets that they name are there, each a new one, and the usual variables
 * lead to it. Nothing is started for those that name none.
 */
export async function addStore(server: ServerOfDocuments, document: string): Promise<ServerOfDocuments> {
  const names = new Set([...document.matchAll(/\bs3:\/\/(example-[a-z-]+)/g)].map(([, name = '']) => name));
  const buckets = await Promise.all([...names].map(async (name) => ({ name, bucket: await createBucket() })));
  const access = buckets[0]?.bucket.access;
  if (access === undefined) return server;
  return {
    standIn: (line) =>
      buckets.reduce(
        (text, { name, bucket }) => text.replaceAll(`s3://${name}`, `s3://${bucket.name}`),
        server.standIn(line),
      ),
    env: {
      ...server.env,
      S3_ENDPOINT: access.endpoint,
      AWS_ACCESS_KEY_ID: access.accessKeyId,
      AWS_SECRET_ACCESS_KEY: access.secretAccessKey,
    },
  };
}
