import { decode, tokensOf, type Token } from '../../../core/sql/tokens.ts';

/** Bytes of a statement in which its roles stand; longer ones are functions and rows. */
const HEAD_BYTES = 64 * 1024;

/**
 * Roles that a statement of a dump names, without those that every server has: owners, grantees, those of default
 * privileges, policies and user mappings (PostgreSQL manual, reference of commands).
 */
export function mentionedRoles(statement: Buffer): string[] {
  const head = statement.subarray(0, HEAD_BYTES);
  if (!/^(alter|grant|revoke|create\s+(policy|user|schema)|set\s+session)\b/i.test(head.toString('latin1', 0, 40)))
    return [];
  const tokens = tokensOf(head).filter(({ depth }) => depth === 0);
  const places = tokens.flatMap((_, at) => (introduces(tokens, at) ? [at + 1] : []));
  return [...new Set(places.flatMap((at) => namesAt(tokens, at)))];
}

/** The word after which one or more roles stand. */
function introduces(tokens: readonly Token[], at: number): boolean {
  const [first, second, word, before] = [
    wordAt(tokens, 0),
    wordAt(tokens, 1),
    wordAt(tokens, at),
    wordAt(tokens, at - 1),
  ];
  const grants = first === 'grant' || first === 'revoke' || (first === 'alter' && second === 'default');
  switch (word) {
    case 'to':
      return grants || before === 'owner' || (first === 'create' && second === 'policy');
    case 'from':
      return grants;
    case 'role':
      return first === 'alter' && before === 'for';
    case 'for':
      return first === 'create' && second === 'user';
    case 'authorization':
      return true;
    default:
      return false;
  }
}

const everybody = new Set(['public', 'current_user', 'current_role', 'session_user', 'default', 'group']);

function namesAt(tokens: readonly Token[], from: number): string[] {
  const names: string[] = [];
  for (let at = from; ; at += 2) {
    const token = tokens[at];
    if (token === undefined || token.type === 'symbol') return names;
    const known = token.type === 'word' && everybody.has(token.text);
    const name = decode(token.text);
    if (!known && !name.startsWith('pg_')) names.push(name);
    if (tokens[at + 1]?.text !== ',') return names;
  }
}

function wordAt(tokens: readonly Token[], at: number): string {
  const token = tokens[at];
  return token?.type === 'word' ? token.text : '';
}
