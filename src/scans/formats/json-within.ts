import { ReportFault } from '../report.js';
import { readDocument } from '../text/read-document.js';
import { fieldsOf, Unreadable, type Fields } from './fields.js';

/** The JSON object that a report carries in a text at `pointer`: read by the rules of a report, without keys given twice and within its bounds. */
export function jsonWithin(bytes: Buffer, pointer: string): Fields {
  // What begins otherwise would be read as YAML.
  if (!/^\s*\{/.test(bytes.toString('latin1', 0, 100))) throw new Unreadable(pointer, 'must hold a JSON object');
  try {
    return fieldsOf(readDocument(bytes));
  } catch (error) {
    if (!(error instanceof ReportFault)) throw error;
    throw new Unreadable(pointer, `holds a document that cannot be read: ${error.code}`);
  }
}
