import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { parse } from 'csv-parse/sync';
import { describe, expect, it } from 'vitest';
import type { PackageFacts, PackageRows } from '../../src/packages/contents.js';
import { citedItems, citing } from '../../src/packages/citations.js';
import { indexFiles } from '../../src/packages/index-files.js';
import type { RecordLine } from '../../src/packages/records.js';
import { catalog, contentSha256, DAMAGED, EAST, facts, factsOfSystem, REPORT, rows, singly, WEST } from './facts.js';

type Line = Record<string, string>;

async function indexed(name: string, of: PackageFacts = facts, from: PackageRows = rows): Promise<Line[]> {
  const file = indexFiles(of, from, citing(of, from)).find(({ path }) => path === `index/${name}`)!;
  return parse(await text(Readable.from(file.content, { objectMode: false })), { columns: true });
}

const at = new Date('2026-11-01T00:00:00Z');
const record = (type: string, title: string, fields: Record<string, unknown>, endedAt?: Date): RecordLine => ({
  ...{ recordId: EAST, version: 1, type, title, naturalKey: '', subject: null, ownerId: EAST, systemIds: [], fields },
  ...{ effectiveFrom: at, expiresAt: null, goodFrom: at, outcome: null, fails: false, links: [], documents: [] },
  ...{ submittedBy: 'one', decidedBy: 'two', decidedAt: at, disposed: false },
  ...(endedAt === undefined ? {} : { endedAt }),
});

describe('the index of evidence', () => {
  it('has each report behind a practice with digest, collector and paragraphs, of each system?', async () => {
    const lines = (await indexed('evidence.csv')).filter(({ kind }) => kind === 'report');
    expect(new Set(lines.map(({ system_id: id }) => id))).toEqual(new Set([EAST, WEST]));
    expect(lines).toHaveLength(2 * 2 * catalog.practices.length);
    const practice = catalog.practices[0]!;
    const [readable, damaged] = lines.filter((line) => line['practice'] === practice.id && line['system_id'] === EAST);
    expect(readable).toMatchObject({
      ...{ evidence_id: REPORT, sha256: contentSha256, path: `data/evidence/${REPORT}/content.json` },
      ...{ collector_kind: 'agent', collector_id: 'agent', source: 'trivy/vulnerability', check_status: 'fail' },
      citations: practice.primary.join(' '),
      seen_at: '2026-11-23T09:00:00.000Z',
    });
    expect(damaged).toMatchObject({ evidence_id: DAMAGED, sha256: contentSha256, path: '' });
  });

  it('has the same of a system by itself?', async () => {
    const lines = (await indexed('evidence.csv', factsOfSystem)).filter(({ kind }) => kind === 'report');
    expect(new Set(lines.map(({ system_id: id }) => id))).toEqual(new Set([EAST]));
  });

  it('has documents of records with the paragraphs that ask for such or that they name?', async () => {
    const naming = {
      ...{ recordId: facts.evidence[0]!.records[0]!.recordId, version: 1, type: 'policy', title: '' },
      ...{
        effectiveFrom: at,
        expiresAt: null,
        endedAt: null,
        submittedBy: '',
        decidedBy: '',
        decidedAt: at,
        documents: [],
      },
    };
    const records = { ...facts.records, ofControl: new Map([['164.312(b)', [naming]]]) };
    const lines = (await indexed('evidence.csv', { ...facts, records })).filter(({ kind }) => kind === 'document');
    expect(lines).toMatchObject([{ record_type: 'policy', evidence_id: REPORT, sha256: contentSha256 }]);
    expect(lines[0]!['citations']!.split(' ')).toContain('164.312(b)');
  });
});

describe('the citations', () => {
  it('do they lead to exceptions of their practices and of checks of these, and to decisions?', async () => {
    const check = catalog.checks.find(({ practices }) => practices.length > 0)!;
    const practice = catalog.practices.find(({ id, primary }) => !check.practices.includes(id) && primary.length > 0)!;
    const line = { version: 1, title: 't', inForce: true, submittedBy: 'one', decidedBy: 'two', decidedAt: at };
    const registers: Partial<Record<string, object[]>> = {
      exceptions: [
        { ...line, recordId: 'by-practice', practices: [practice.id], checks: [], results: [] },
        {
          ...line,
          recordId: 'by-check',
          practices: [],
          checks: [{ source: check.tool, check: check.id }],
          results: [],
        },
        {
          ...line,
          recordId: 'by-policy',
          practices: [],
          checks: [{ source: 'policy-report/kyverno', check: 'require-ro-rootfs/validate' }],
          results: [],
        },
      ],
      decisions: [
        { ...line, recordId: 'decision', control: '164.312(a)(2)(iii)' },
        // Of one that was disposed of nothing is left to tell what it was about.
        { ...line, recordId: 'disposed' },
      ],
    };
    const items = await citedItems(facts, { ...rows, register: (name) => singly(registers[name] ?? []) });
    const idsOf = (id: string) => items.find((item) => item.id === id)!.exceptions.map(({ recordId }) => recordId);
    const checked = catalog.practices.find(({ id }) => id === check.practices[0])!;
    for (const id of practice.primary) expect(idsOf(id)).toContain('by-practice');
    for (const id of checked.primary) expect(idsOf(id)).toContain('by-check');
    for (const id of catalog.practice('read-only-root-filesystem')!.primary) expect(idsOf(id)).toContain('by-policy');
    const decided = items.filter(({ decisions }) => decisions.length > 0);
    expect(decided).toMatchObject([
      { id: '164.312(a)(2)(iii)', decisions: [{ recordId: 'decision', decidedBy: 'two', inForce: true }] },
    ]);
  });
});

describe('the lists to draw samples from', () => {
  const leavers = [
    record('termination_record', 'first instant', { person: '=a', endedAt: '2025-11-23T09:00:00Z' }),
    record('termination_record', 'too early', { person: 'b', endedAt: '2025-11-23T08:59:59Z' }),
    record('termination_record', 'last instant', { person: 'c', endedAt: '2026-11-23T09:00:00Z' }),
    record('termination_record', 'too late', { person: 'd', endedAt: '2026-11-23T09:00:01Z' }),
    record('termination_record', 'disposed', {}),
  ];
  const hires = ['2025-11-22', '2025-11-23', '2026-11-23', '2026-11-24'].map((day) =>
    record('clearance_record', day, { decidedOn: day }),
  );
  const inEffect: Record<string, RecordLine[]> = { termination_record: leavers, clearance_record: hires };
  const past = [record('termination_record', 'earlier', { person: 'e', endedAt: '2026-02-01T00:00:00Z' }, at)];
  const from: PackageRows = {
    ...rows,
    records: (type) => singly(inEffect[type] ?? []),
    pastRecords: (type) => singly(type === 'termination_record' ? past : []),
  };
  const typeOf = (type: string) => ({ type, title: type, count: 1, fields: ['person'] });
  const of = {
    ...facts,
    records: {
      ...facts.records,
      types: ['termination_record', 'clearance_record'].map(typeOf),
      pastTypes: [typeOf('termination_record')],
    },
  };

  it('do they have what was within the period, earlier versions too, and no formula?', async () => {
    const lines = await indexed('samples/leavers.csv', of, from);
    expect(lines.map(({ title }) => title)).toEqual(['first instant', 'last instant', 'disposed', 'earlier']);
    expect(lines[0]).toMatchObject({ date: '2025-11-23T09:00:00Z', 'fields.person': "'=a" });
    expect(lines[3]).toMatchObject({ endedAt: at.toISOString() });
  });

  it('is a day within the period where part of it is?', async () => {
    const lines = await indexed('samples/new-hires.csv', of, from);
    expect(lines.map(({ date }) => date)).toEqual(['2025-11-23', '2026-11-23']);
  });

  it('are they there, without lines, of what nobody keeps?', async () => {
    expect(await indexed('samples/incidents.csv', of, from)).toEqual([]);
  });
});
