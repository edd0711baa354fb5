import { expect, it } from 'vitest';
import type { PackageFiles } from '../../src/verify/package-files.js';
import type { PackageIndex } from '../../src/verify/package-index.js';
import { checkReports } from '../../src/verify/reports.js';
import { StoredEvents } from '../../src/verify/stored-events.js';
import { inMemory } from './in-memory.js';

const AT = '2026-11-23T08:00:00.000Z';
const REPORT = Buffer.from('{"report": true}');

/** Of a package with one report that was posted as so many scans. */
function posted(scans: number): [PackageFiles, StoredEvents, PackageIndex] {
  const events = new StoredEvents();
  const lines = Array.from({ length: scans }, (_, index) => {
    events.add(`scan-${index}`, index, AT, null);
    return JSON.stringify({
      ...{ id: `scan-${index}`, systemId: 'system', evidenceId: 'evidence', format: 'kube-bench', tool: 'kube-bench' },
      ...{ toolVersion: null, clusterName: null, clusterUid: null, observedAt: AT, knownAt: AT },
      declared: { format: null, observedAt: null, targets: [], partial: false },
      ...{ counts: { total: 1, rejected: 0 }, rejects: [] },
    });
  });
  const files = new Map([
    ['bag/data/scans.jsonl', Buffer.from(`${lines.join('\n')}\n`)],
    ['bag/data/evidence/content.json', REPORT],
  ]);
  const evidence = [{ evidenceId: 'evidence', path: 'data/evidence/content.json', size: REPORT.length }];
  return [inMemory(files), events, { asOf: AT, knownAt: AT, evidence } as unknown as PackageIndex];
}

const NONE = { least: 0, perMegabyte: 0 };

it('is a report that took too long once not read again for each scan that names it?', async () => {
  const [files, events, index] = posted(16);
  let readings = 0;
  const counted: PackageFiles = {
    ...files,
    open: (path) => {
      if (path.includes('evidence')) readings += 1;
      return files.open(path);
    },
  };
  const said = await checkReports(counted, events, index, { ofEach: NONE });
  expect(said).toMatch(/^0 of 16 reports were read again: .*; 1 took more time or memory/);
  expect(readings).toBe(1);
});

it('is what comes after the time of all reports not read, and told?', async () => {
  expect(await checkReports(...posted(3), { ofAll: NONE })).toMatch(
    /^0 of 3 reports were read again: .*; 3 came after the time/,
  );
});
