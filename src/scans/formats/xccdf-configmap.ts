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

const COMPRESSED = 'openscap-scan-result/compressed';
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
  const { node, isCompressed } = within(object, 'metadata', annotated);
  return {
    root: rootOf(data.results, isCompressed),
    node,
    isWhole: data.exit === '0' || data.exit === '2',
  };
}

/** An object that lost its metadata says nothing of a node: it is not of the cluster for that. */
function annotated(metadata: Fields): { node: string | null; isCompressed: boolean } {
  text(metadata, 'name');
  return within(metadata, 'annotations', (annotations) => ({
    node: has(annotations, NODE) ? text(annotations, NODE) : null,
    isCompressed: has(annotations, COMPRESSED),
  }));
}

function rootOf(results: string, isCompressed: boolean): XmlElement {
  try {
    return readXml(isCompressed ? decompressed(results) : results, XML_LIMITS);
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
