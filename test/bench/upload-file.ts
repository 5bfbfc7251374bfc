// Uploads a file with nothing but the SDK and its upload library: node upload-file.ts <file> <bucket> <key>
import { createReadStream } from 'node:fs';
import { S3Client } from '@aws-sdk/client-s3';
import { Upload } from '@aws-sdk/lib-storage';

const [file = '', bucket = '', key = ''] = process.argv.slice(2);
const endpoint = process.env['S3_ENDPOINT'] ?? '';
const client = new S3Client({ endpoint, region: 'us-east-1', forcePathStyle: true });
await new Upload({ client, params: { Bucket: bucket, Key: key, Body: createReadStream(file) } }).done();
client.destroy();
