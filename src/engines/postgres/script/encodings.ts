/**
 * Encodings of clients in which a byte that looks like a backslash or a quote may be half a character: those that the
 * manual's table of character sets (chapter 24.3) has for clients only, with their other names.
 */
const unsafe = new Set(
  'sjis shiftjis shiftjis2004 mskanji win932 windows932 big5 win950 windows950 gbk win936 windows936 gb18030 uhc win949 windows949 johab'.split(
    ' ',
  ),
);

/** The server looks at letters and digits only: `Shift-JIS` is SJIS. */
export function isUnsafeEncoding(name: string): boolean {
  return unsafe.has(name.toLowerCase().replaceAll(/[^a-z0-9]/g, ''));
}
