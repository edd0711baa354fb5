import { isUtf8 } from 'node:buffer';
import { ReportFault } from '../report.js';
import { decompressBzip2 } from '../text/bzip2.js';
import { TEXT_LIMITS, XML_LIMITS } from '../text/read-document.js';
import { readXml } from '../text/read-xml.js';
import type { XmlElement } from '../text/xml-element.js';
import { within } from './fact-fields.js';
import { field, has, isFields, optionalText, text, Unreadable, type Fields } from './fields.js';
import type { KubernetesObject } from './kubernetes.js';

/*
 * The Compliance Operator keeps what OpenSCAP wrote in a ConfigMap: the test result in `data.results`, the exit code beside it.
 */

const NODE = 'openscap-scan-result/node';

export interface ScanResult {
  root: XmlElement;
  /** Null of a scan of the cluster. */
  node: string | null;
  /** OpenSCAP came to its end: 0 and nothing failed, or 2 and something did. */
  isWhole: boolean;
}

/** Whether it is a ConfigMap with results in it. Total. */
export function isScanResult({ group, kind, object }: KubernetesObject): boolean {
  const data = field(object, 'data');
  return group === '' && kind === 'ConfigMap' && isFields(data) && typeof field(data, 'results') === 'string';
}

/** Null of a ConfigMap of something else, and of a scan that failed before it had results. */
export function scanResultOf({ group, kind, object }: KubernetesObject): ScanResult | null {
  if (group !== '' || kind !== 'ConfigMap') throw new Unreadable('/kind', 'must be a ConfigMap');
  const data = within(object, 'data', (of) =>
    has(of, 'results') ? { results: text(of, 'results'), exit: optionalText(of, 'exit-code') } : null,
  );
  if (data === null) return null;
  return {
    root: rootOf(data.results),
    node: within(object, 'metadata', nodeOf),
    isWhole: data.exit === '0' || data.exit === '2',
  };
}

/** An object that lost its metadata says nothing of a node: it is not of the cluster for that. */
function nodeOf(metadata: Fields): string | null {
  text(metadata, 'name');
  return within(metadata, 'annotations', (of) => (has(of, NODE) ? text(of, NODE) : null));
}

/** XML, or its base64 of bzip2 where it is too large for a ConfigMap. */
function rootOf(results: string): XmlElement {
  try {
    return readXml(/^\s*</.test(results) ? results : decompressed(results), XML_LIMITS);
  } catch (error) {
    // The ConfigMaps beside it can be read.
    if (error instanceof ReportFault) throw new Unreadable('/data/results', error.detail);
    throw error;
  }
}

function decompressed(results: string): string {
  if (!/^[A-Za-z0-9+/]+={0,2}\s*$/.test(results)) throw new Unreadable('/data/results', 'must be base64');
  const bytes = decompressBzip2(Buffer.from(results, 'base64'), TEXT_LIMITS.xml);
  if (!isUtf8(bytes)) throw new Unreadable('/data/results', 'must be UTF-8');
  return bytes.toString('utf8');
}
