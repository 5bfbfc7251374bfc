/**
 * What a server or a program said, without the rows in it: they are the user's own, and errors go into logs and records.
 * (Forms of the messages: PostgreSQL 13 to 18 in the C locale.) Values may hold line feeds, so whole passages are taken
 * out, up to the next one that the server labels.
 */
export function withoutRowData(said: string): string {
  return passages.reduce(
    (text, [pattern, replacement]) =>
      typeof replacement === 'string' ? text.replace(pattern, replacement) : text.replace(pattern, replacement),
    said,
  );
}

// The beginning of the next passage, or the end of all.
const next = String.raw`(?=\n(?:[A-Z]{4,}:|LINE \d|Command was:|(?:psql|pg_restore|pg_dump|pg_dumpall):)|(?![^]))`;

function withoutLiterals(_line: string, number: string, statement: string): string {
  return number + statement.replace(/'[^']*'/g, "'…'").replace(/\b\d[\w.]*/g, '…');
}

const passages: readonly (readonly [RegExp, string | typeof withoutLiterals])[] = [
  [new RegExp(String.raw`((?:Failing row|failing row|row) contains|\bKey) \([^]*?${next}`, 'g'), '$1 (…)'],
  // COPY, a line of it, and where in that line.
  [new RegExp(String.raw`(COPY .*?, line \d+(?:, column [^:\n]+)?): [^]*?${next}`, 'g'), '$1'],
  [new RegExp(String.raw`(JSON data, line \d+): [^]*?${next}`, 'g'), '$1'],
  [new RegExp(String.raw`(Token) "[^]*?" is invalid`, 'g'), '$1 "…" is invalid'],
  [
    new RegExp(
      String.raw`((?:invalid input (?:syntax|value)|malformed|out of range|invalid hexadecimal)[^\n"]*): "[^]*?"${next}`,
      'g',
    ),
    '$1: "…"',
  ],
  [/(value) "[^"]*" (is out of range)/g, '$1 "…" $2'],
  // The statement around an error, where rows stand in INSERT: in a line with half of a literal or of a word, or as literals in it.
  [/^(LINE \d+:)(?= \.\.\.|.*\$|(?:[^'\n]*'[^'\n]*')*[^'\n]*'[^'\n]*$).*$/gm, '$1 …'],
  [/^(LINE \d+: )(.*)$/gm, withoutLiterals],
  [/^(Command was: INSERT INTO [^]*?\bVALUES\b)[^]*?(?=\n(?:psql|pg_restore):|(?![^]))/gm, '$1 (…)'],
];
