import { expect } from 'vitest';
import { newId } from '../../src/kernel/ids.js';
import type { ListedFact } from '../../src/results/listed-fact.js';
import { factId, targetId } from '../../src/results/series.js';
import { parseReport } from '../../src/scans/formats/index.js';
import { bytesOf, declared } from '../fixtures/reports/load.js';

/** Facts of a report, all of which can be read, as a merge would have left them. */
export function factsOf(document: unknown, observedFrom: Date, ...targets: string[]): ListedFact[] {
  const report = parseReport(bytesOf(document), { declared: declared(...targets) });
  expect(report.rejects).toEqual([]);
  return report.facts.map((fact) => ({
    ...fact,
    series: factId(targetId(fact.target.kind, fact.target.name), fact.source, fact.kind, fact.subject),
    scanId: newId(),
    observedFrom,
    observedTo: null,
    knownFrom: observedFrom,
    knownTo: null,
  }));
}
