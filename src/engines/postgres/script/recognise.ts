const HEAD_BYTES = 512;

const statements =
  'set|create|begin|start|insert|copy|alter|drop|select|comment|grant|revoke|update|delete|truncate|do|with|lock|reset|analyze|vacuum|refresh|reindex|declare|call|security|import|values|explain|table';
const startOfScript = new RegExp(
  `^(?:--|/\\*|\\\\(?:restrict|connect|c|set|echo|encoding|i|ir)\\b|(?:${statements})\\b)`,
  'i',
);

/** Whether a file's first bytes look like SQL text: a comment, a statement's first word, or a command of pg_dump. */
export function recognisesScript(head: Uint8Array): boolean {
  const bytes = Buffer.from(head.buffer, head.byteOffset, Math.min(head.byteLength, HEAD_BYTES));
  // No text in an encoding that SQL scripts have holds these.
  if (bytes.some((code) => code < 9 || (code > 13 && code < 27) || (code > 27 && code < 32))) return false;
  const text = bytes
    .toString('latin1')
    .replace(/^\u00ef\u00bb\u00bf/, '')
    .trimStart();
  return startOfScript.test(text);
}
