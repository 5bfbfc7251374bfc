import { isUtf8 } from 'node:buffer';

export type Decode = (text: Buffer) => string;

/** The web's labels for PostgreSQL's encodings (manual, section 24.3.1) whose names do not turn into them by rule. */
const labels: Readonly<Record<string, string>> = {
  LATIN5: 'iso-8859-9',
  LATIN6: 'iso-8859-10',
  LATIN7: 'iso-8859-13',
  LATIN8: 'iso-8859-14',
  LATIN9: 'iso-8859-15',
  LATIN10: 'iso-8859-16',
  WIN866: 'ibm866',
  KOI8R: 'koi8-r',
  KOI8U: 'koi8-u',
  EUC_JP: 'euc-jp',
  EUC_KR: 'euc-kr',
  EUC_CN: 'gbk',
  UHC: 'euc-kr',
  SJIS: 'shift_jis',
  BIG5: 'big5',
  GBK: 'gbk',
  GB18030: 'gb18030',
};

/** Reads an archive's texts as its entry ENCODING says, whose definition is `SET client_encoding = 'LATIN1';`. */
export function decoderOf(definition: string): Decode {
  const name = /'([^']*)'/.exec(definition)?.[1] ?? '';
  const label = labels[name] ?? name.replace(/^LATIN([234])$/, 'iso-8859-$1').replace(/^WIN(\d+)$/, 'windows-$1');
  if (['UTF8', 'LATIN1', 'SQL_ASCII'].includes(name) || !isKnown(label)) return decodeUnknown;
  const decoder = new TextDecoder(label);
  return (text) => decoder.decode(text);
}

/** An encoding that is not known, or that holds anything: what is no UTF-8 shows at least its ASCII. */
export function decodeUnknown(text: Buffer): string {
  return text.toString(isUtf8(text) ? 'utf8' : 'latin1');
}

function isKnown(label: string): boolean {
  try {
    return new TextDecoder(label).encoding !== '';
  } catch {
    return false;
  }
}
