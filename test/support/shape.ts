/**
 * How a document differs in shape from its example: other members, other kinds of values. One item of an example's
 * list stands for all, and a member `…` for anything.
 */
export function shapeDifferences(example: unknown, found: unknown, path = 'the document'): string[] {
  if (kindOf(example) !== kindOf(found)) return [`${path} is ${kindOf(found)}, should be ${kindOf(example)}`];
  if (Array.isArray(example) && Array.isArray(found)) {
    if (example.length === 0) return [];
    if (found.length === 0) return [`${path} is empty`];
    return found.flatMap((item, index) => shapeDifferences(example[0], item, `${path}[${index}]`));
  }
  return isObject(example) && isObject(found) ? memberDifferences(example, found, path) : [];
}

type Members = Readonly<Record<string, unknown>>;

function memberDifferences(example: Members, found: Members, path: string): string[] {
  if (Object.hasOwn(example, '…')) return [];
  return [...new Set([...Object.keys(example), ...Object.keys(found)])].flatMap((name) => {
    if (!Object.hasOwn(found, name)) return [`${path}.${name} is missing`];
    if (!Object.hasOwn(example, name)) return [`${path}.${name} is not in the example`];
    return shapeDifferences(example[name], found[name], `${path}.${name}`);
  });
}

function isObject(value: unknown): value is Members {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function kindOf(value: unknown): string {
  return Array.isArray(value) ? 'array' : value === null ? 'null' : typeof value;
}
