import type { Redaction } from '../../evidence/redaction.js';
import type { ByteSource } from '../text/byte-source.js';
import { JSON_READING, wholeText } from '../text/read-document.js';
import { redactJson } from './redact-json.js';
import { redactYaml } from './redact-yaml.js';
import { kindOf } from './suspicion.js';

/**
 * Finds what must not be kept of a report; null where there is nothing. Throws ReportFault where that cannot be found out: the text is cut, nested too deep, of a
 * kind that cannot be read.
 */
export function redactionOf(source: ByteSource): Redaction | null {
  const head = Buffer.from(source.read(0, Math.min(source.size, 3)));
  const from = head.equals(Buffer.of(0xef, 0xbb, 0xbf)) ? head.length : 0;
  switch (kindAt(source, from)) {
    case 'json':
      return redactJson(source, from);
    case 'other':
      return redactYaml(wholeText(source, from, 'yaml'), from);
    default:
      return null;
  }
}

function kindAt(source: ByteSource, from: number): ReturnType<typeof kindOf> {
  for (let at = from; at < source.size; at += JSON_READING.window) {
    const kind = kindOf(source.read(at, Math.min(source.size, at + JSON_READING.window)));
    if (kind !== null) return kind;
  }
  return null;
}
