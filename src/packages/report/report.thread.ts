import { drawing } from './chart.js';
import { html } from './html.js';
import type { Report } from './model.js';
import { pdf } from './pdf.js';

/** A report as people read it. */
export interface WrittenReport {
  /** A page in UTF-8. */
  html: Uint8Array;
  pdf: Uint8Array;
}

export default async function written(report: Report): Promise<WrittenReport> {
  const draw = drawing();
  return { html: Buffer.from(Array.from(html(report, draw)).join(''), 'utf8'), pdf: await pdf(report, draw) };
}
