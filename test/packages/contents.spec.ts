import { createHash, generateKeyPairSync, sign, verify } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { buffer } from 'node:stream/consumers';
import { describe, expect, it } from 'vitest';
import { currentCatalog } from '../../src/catalog/load.js';
import { pemOf } from '../../src/kernel/crypto/signing/signing-key.js';
import { IntegrityError } from '../../src/kernel/crypto/integrity-error.js';
import type { Step } from '../../src/custody/steps.js';
import { packageFiles, type EvidenceItem, type PackageFacts, type PackageRows } from '../../src/packages/contents.js';
import { entriesOf, hashesOfTile } from '../../src/audit/tile.js';
import { leafHash } from '../../src/audit/merkle.js';
import type { CitedItem } from '../../src/packages/citations.js';
import type { RecordLine } from '../../src/packages/records.js';
import type { Signing } from '../../src/packages/signature/signing.js';
import { zip } from '../../src/packages/zip.js';
import { bagFaults } from './bagit-validator.js';
import { LEAVES, LOG_ROWS, logOf } from './log-sample.js';
import { bagIn, readZip } from './read-zip.js';
import { emptyReadings, postureOf } from './report-sample.js';

const ID = '019ab1c2-7a10-7bd3-9c55-0f6f2b7d8a30';
const SYSTEM = '019ab1c2-7a10-7bd3-9c55-0f6f2b7d8a03';
const READABLE = '019ab1c2-7a10-7bd3-9c55-0f6f2b7d8a10';
const DAMAGED = '019ab1c2-7a10-7bd3-9c55-0f6f2b7d8a11';
const report = Buffer.from('{"report":true}\n');
const sha256 = createHash('sha256').update(report).digest('hex');
const catalog = currentCatalog();
const at = new Date('2026-11-23T09:00:00Z');

const item = (evidenceId: string, path: string | null): EvidenceItem => ({
  evidenceId,
  path,
  sha256,
  size: report.length,
  mediaType: 'application/json',
  receivedAt: at,
  source: { kind: 'agent', id: 'agent' },
  scans: [{ systemId: SYSTEM, scanId: ID }],
  records: [],
  retainUntil: new Date('2032-11-23T09:00:00Z'),
  heldBy: [],
  disposedAt: null,
  withheld: null,
  redaction: null,
});

const reference = (type: string, title: string) => ({ recordId: ID, version: 1, type, title });
/** Of one that names an item of the rules. */
const naming = (type: string, title: string, endedAt: Date | null = null) => ({
  ...reference(type, title),
  ...{ effectiveFrom: at, expiresAt: null, endedAt, submittedBy: 'one', decidedBy: 'two', decidedAt: at },
  documents: [{ evidenceId: READABLE, role: 'text', name: 'policy.pdf' }],
});

/** Of each type that has any. */
const RECORDS: Record<string, RecordLine[]> = {
  'org/mine': [recordLine('org/mine', { recordId: 'own', list: ['a', '=b'], more: { than: 1 } })],
  policy: [recordLine('policy', { name: '=1+1' }), recordLine('policy', { name: 'Backups' })],
};

function recordLine(type: string, fields: Record<string, unknown>): RecordLine {
  return {
    ...reference(type, '@title'),
    naturalKey: '',
    subject: null,
    ownerId: SYSTEM,
    systemIds: [],
    fields,
    effectiveFrom: at,
    expiresAt: null,
    goodFrom: at,
    outcome: null,
    fails: false,
    links: [],
    documents: [
      {
        ...{ evidenceId: READABLE, role: 'text', name: 'policy.pdf', addedAt: at.toISOString(), addedBy: 'one' },
        path: `data/evidence/${READABLE}/content.json`,
      },
    ],
    submittedBy: 'one',
    decidedBy: 'two',
    decidedAt: at,
    disposed: false,
  };
}

const agreement = (title: string) => ({ title, inForce: true, endsAt: null, termsMissing: [] });
const AGREEMENTS = [
  { vendorId: ID, name: 'With', states: ['ending', 'in-force'], agreements: [agreement('One'), agreement('Two')] },
  { vendorId: SYSTEM, name: 'Without', states: ['no-agreement'], agreements: [] },
];

const facts: PackageFacts = {
  id: ID,
  organization: { id: SYSTEM, name: 'Lakeside\nPayload-Oxum: 1.1' },
  scope: { systemId: null },
  periodFrom: new Date('2025-11-23T09:00:00Z'),
  asOf: at,
  knownAt: at,
  requestedAt: at,
  systems: [{ id: SYSTEM, version: 1, name: 'emr', environment: 'production', phi: 'stores', phiNamespaces: [] }],
  catalog: { version: catalog.version, digest: catalog.digest, overlay: null },
  controls: catalog.controls,
  practices: catalog.practices,
  systemPostures: [SYSTEM],
  rules: catalog,
  posture: {
    systemId: null,
    controls: catalog.controls.map(({ id }) => ({
      id,
      status: 'missing',
      reason: '=HYPERLINK("http://x")',
      needs: [],
      practices: [],
      decisionId: null,
    })),
    practices: catalog.practices.map(({ id }) => ({ id, status: 'missing', reason: 'nothing', needs: [] })),
  },
  records: {
    types: [
      { type: 'org/mine', title: 'Mine', count: 1, fields: ['recordId', 'list'] },
      { type: 'policy', title: 'Policy', count: 2, fields: ['name'] },
    ],
    pastTypes: [{ type: 'policy', title: 'Policy', count: 1, fields: ['name'] }],
    ofControl: new Map([
      ['164.310(a)(1)', [naming('org/mine', 'A plan of ours')]],
      [
        '164.308(a)(1)(i)',
        [naming('policy', 'Security management'), { ...naming('policy', 'As it was', at), version: 0 }],
      ],
    ]),
  },
  evidence: [item(READABLE, `data/evidence/${READABLE}/content.json`)],
  faults: [],
  alteredRows: [],
  anchors: null,
  log: logOf(READABLE),
};

const result = {
  system_id: SYSTEM,
  series: ID,
  target: 'node/=1+1',
  source: 'trivy',
  check: '@SUM(A1)',
  resource: 'a,"b"\r\nc',
  namespace: null,
  status: 'fail',
  severity: 'high',
  title: '+cmd|/C calc!A0',
  message: 'plain',
  observed_from: at,
  observed_to: null,
  known_from: at,
  scan_id: ID,
  evidence_id: READABLE,
};

/** The first step of a chain of custody. */
const received = (evidenceId: string): Step => ({
  eventId: ID,
  time: at.toISOString(),
  step: 'received',
  action: 'evidence.received',
  actor: { kind: 'agent', id: SYSTEM },
  object: { kind: 'evidence', id: evidenceId },
  outcome: 'success',
  receipt: null,
  requestId: ID,
  details: null,
});

/** Rows in pages of any size give the same package. */
const rowsOf = (page: number, evidence: PackageRows['evidence'] = whole): PackageRows => {
  const events = Array.from({ length: 7 }, (_, index) => ({ leaf: `{"n":${index}}`, details: null }));
  const results = Array.from({ length: 5 }, () => result);
  const coverage = Array.from({ length: 3 }, (_, index) => ({
    systemId: SYSTEM,
    target: `node/${index}`,
    checks: null,
  }));
  return {
    events: () => inPages(events, page),
    scans: () => inPages([{ id: ID, evidencePath: null }], page),
    results: () => inPages(results, page),
    coverage: () => inPages(coverage, page),
    facts: () => inPages([{ kind: 'key' }, { kind: 'backup' }], page),
    securityEvents: () => inPages([{ category: 'exec' }], page),
    records: (type) => inPages(RECORDS[type] ?? [], page),
    pastRecords: (type) => inPages([{ ...recordLine(type, { name: 'Before' }), endedAt: at }], page),
    register: (name) => inPages<object>(name === 'agreements' ? AGREEMENTS : [], page),
    systemPosture: (systemId) => Promise.resolve({ systemId, controls: [], practices: [] }),
    readings: () => Promise.resolve(emptyReadings(postureOf(() => 'missing'))),
    // What it is made of, not its pages: they take a second, and have a spec of their own (report.spec).
    writeReport: (report) => Promise.resolve({ html: Buffer.from(JSON.stringify(report)), pdf: Buffer.from('') }),
    custody: (evidenceId) => Promise.resolve([received(evidenceId)]),
    evidence,
    log: LOG_ROWS,
  };
};

async function* inPages<Row>(rows: Row[], size: number): AsyncGenerator<Row[], void> {
  for (let start = 0; start < rows.length; start += size) yield await Promise.resolve(rows.slice(start, start + size));
}

async function* whole(): AsyncGenerator<Uint8Array, void> {
  yield await Promise.resolve(report);
}

const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
const signing: Signing = {
  key: {
    use: 'package',
    algorithm: 'ecdsa-p256-sha256',
    publicKey,
    sign: (bytes) => Promise.resolve(sign('sha256', bytes, privateKey)),
  },
  authority: null,
};

const anchored: PackageFacts = {
  ...facts,
  anchors: {
    tenantCheckpoint: Buffer.from('a head'),
    proof: Buffer.from('a proof'),
    checkpoint: Buffer.from('a head of heads'),
    timeStamp: Buffer.from('a stamp'),
    policy: 'quorum none\n',
    key: 'anchor+00000000+AA==',
    witnesses: [],
    head: { origin: 'anchor', size: 1, root: Buffer.alloc(32) },
  },
};

const build = (of: PackageFacts, rows: PackageRows) => buffer(zip(packageFiles(of, rows, signing), of.requestedAt));

describe('the contents of a package', () => {
  it('are a valid bag that holds the evidence byte for byte?', async () => {
    const entries = await readZip(await build(facts, rowsOf(3)));
    const bag = bagIn(entries);
    expect(bagFaults(bag)).toEqual([]);
    expect(bag.get(`data/evidence/${READABLE}/content.json`)?.equals(report)).toBe(true);
    const custody = bag.get(`data/evidence/${READABLE}/custody.jsonl`)!.toString();
    expect(JSON.parse(custody)).toEqual({ seq: 1, ...received(READABLE) });
    expect(entries[0]?.path).toBe(`safeguard-package-${ID}/VERIFY.md`);
    expect(entries[0]?.bytes.toString()).toMatch(/openssl dgst -sha256 -verify keys\/package-signing.pem/);
    for (const { path } of entries) expect(path).toMatch(/^[A-Za-z0-9._/-]{1,200}$/);
  });

  it('are indexed: what it is, what is in it, how much?', async () => {
    const bag = bagIn(await readZip(await build(facts, rowsOf(2))));
    const index = JSON.parse(bag.get('data/index.json')!.toString()) as Record<string, unknown>;
    expect(index).toMatchObject({
      packageId: ID,
      signed: true,
      catalog: { version: catalog.version, digest: catalog.digest },
      counts: {
        scans: 1,
        results: 5,
        coverage: 3,
        facts: 2,
        securityEvents: 1,
        auditEvents: 7,
        evidence: 1,
        evidenceUnreadable: 0,
        systems: 1,
      },
      evidence: [{ path: `data/evidence/${READABLE}/content.json`, sha256, size: report.length }],
      faults: [],
    });
  });

  it('say of a package without evidence that it has none, and not that all of it could be read?', async () => {
    const bare = await build({ ...anchored, evidence: [], faults: [] }, rowsOf(3));
    const told = (await readZip(bare))[0]!.bytes.toString();
    expect(told).toContain('**There is no evidence in it.**');
    expect(told).not.toContain('could be read');
  });

  it('list every file of the payload in VERIFY.md?', async () => {
    const entries = await readZip(await build(anchored, rowsOf(3)));
    const told = entries[0]!.bytes.toString();
    const files = [...bagIn(entries).keys()].filter((path) => path.startsWith('data/') && !path.includes('evidence/'));
    expect(files).toEqual(
      expect.arrayContaining(['data/coverage.jsonl', 'data/facts.jsonl', 'data/security-events.jsonl']),
    );
    // A table and the same as JSON are told of in one row.
    const name = (path: string): string =>
      path
        .slice('data/'.length)
        .replace(SYSTEM, '<id>')
        .replace(READABLE, '<event>')
        .replace(/^(log\/tile\/).*/, '$1')
        .replace(/^(anchor\/[a-z-]+)\.(tsr|tlog-proof)$/, '$1, .$2')
        .replace(/^records\/past\/.*\./, 'records/past/<type>.')
        .replace(/^records\/(?!past\/).*\./, 'records/<type>.')
        .replace(/^index\/samples\/.*/, 'index/samples/*.csv')
        .replace(/^oscal\/.*/, 'oscal/*.json')
        .replace(/^((?:records|registers|index\/citations).*)\.csv$/, '$1.json, .csv');
    for (const path of files) expect(told).toContain(name(path));
  });

  it('have each file that auditors are sent to by their guide?', async () => {
    const guide = await readFile('docs/auditors.md', 'utf8');
    const told = [...guide.matchAll(/`(bag\/data\/[^`]+)`/g)].map(([, path = '']) => path);
    expect(told.length).toBeGreaterThan(8);
    const paths = packageFiles(anchored, rowsOf(1), signing).map(({ path }) => path.slice(path.indexOf('/') + 1));
    expect(told.filter((path) => !paths.some((file) => file.startsWith(path)))).toEqual([]);
  });

  it('are the same bytes for the same inputs, however they come in pages?', async () => {
    const once = bagIn(await readZip(await build(facts, rowsOf(1))));
    expect(bagIn(await readZip(await build(facts, rowsOf(500))))).toEqual(once);
  });

  it('are signed, with the counts of what was written in what is signed?', async () => {
    const entries = await readZip(await build(facts, rowsOf(3)));
    const at = (path: string): Buffer => entries.find((entry) => entry.path.endsWith(`/${path}`))!.bytes;
    const manifest = at('bag/tagmanifest-sha256.txt');
    expect(verify('sha256', manifest, publicKey, at('sig/tagmanifest.p256.sig'))).toBe(true);
    const bundle = JSON.parse(at('sig/statement.sigstore.json').toString()) as { dsseEnvelope: { payload: string } };
    const statement = JSON.parse(Buffer.from(bundle.dsseEnvelope.payload, 'base64').toString()) as {
      predicate: { counts: object; tenant: string };
    };
    const index = JSON.parse(bagIn(entries).get('data/index.json')!.toString()) as { counts: object };
    expect(statement.predicate).toMatchObject({ packageId: ID, tenant: SYSTEM, counts: index.counts });
  });

  it('differ for another package with the same inputs only where they say so?', async () => {
    const other = { ...facts, id: SYSTEM, requestedAt: new Date('2026-12-01T00:00:00Z') };
    const [one, two] = [await build(facts, rowsOf(5)), await build(other, rowsOf(5))];
    const [first, second] = [bagIn(await readZip(one)), bagIn(await readZip(two))];
    const changed = [...first].filter(([path, bytes]) => second.get(path)?.equals(bytes) !== true);
    const { creation } = JSON.parse(first.get('data/index.json')!.toString()) as { creation: string[] };
    // The log, its proofs and anchors are the same here, as nothing was recorded between the two; keys and signatures lie outside of the bag, with VERIFY.md.
    const grown = ['bag/data/anchor/', 'bag/data/log/', 'bag/data/proofs/', 'keys/', 'sig/', 'VERIFY.md'];
    expect([...grown, ...changed.map(([path]) => `bag/${path}`)].sort()).toEqual([...creation].sort());
  });

  it('say first what is unreadable, and leave it out?', async () => {
    const damaged: PackageFacts = {
      ...facts,
      evidence: [...facts.evidence, item(DAMAGED, null)],
      faults: [{ evidenceId: DAMAGED, sha256, size: report.length, reason: 'segment 0 is not authentic' }],
    };
    const entries = await readZip(await build(damaged, rowsOf(3)));
    const bag = bagIn(entries);
    expect(bagFaults(bag)).toEqual([]);
    // What was done with it is told all the same.
    expect([...bag.keys()].filter((path) => path.includes(DAMAGED))).toEqual([
      `data/evidence/${DAMAGED}/custody.jsonl`,
    ]);
    expect(entries[0]?.bytes.toString().split('\n')[2]).toMatch(/INCOMPLETE: 1 of 2/);
    const index = bag.get('data/index.json')!.toString();
    expect(Object.keys(JSON.parse(index) as object)[0]).toBe('faults');
    expect(JSON.parse(index)).toMatchObject({ counts: { evidence: 2, evidenceUnreadable: 1 } });
  });

  it('say of which reports something was dropped before they were kept, and only then?', async () => {
    const verify = async (of: PackageFacts) => (await readZip(await build(of, rowsOf(3))))[0]?.bytes.toString() ?? '';
    expect(await verify(facts)).toContain('byte for byte as they were received |');
    const redaction = { receivedSha256: 'ab'.repeat(32), receivedSize: 99, dropped: { secret: 2 } };
    const [only] = facts.evidence;
    const redacted = { ...facts, evidence: [{ ...only!, redaction }] };
    expect(await verify(redacted)).toContain('byte for byte as they were received but for secrets: of 1 of 1, values');
    const bag = bagIn(await readZip(await build(redacted, rowsOf(3))));
    expect(JSON.parse(bag.get('data/index.json')!.toString())).toMatchObject({ evidence: [{ sha256, redaction }] });
  });

  it('fail whole when evidence breaks only while it is written: no half file is ever listed?', async () => {
    const breaking = async function* () {
      yield await Promise.resolve(report);
      throw new IntegrityError('changed in between');
    };
    await expect(build(facts, rowsOf(3, breaking))).rejects.toThrow('changed in between');
  });

  it('disarm what a cluster may have named like a formula?', async () => {
    const bag = bagIn(await readZip(await build(facts, rowsOf(3))));
    const results = bag.get('data/results.csv')!.toString();
    expect(results).toContain(`,"a,""b""\r\nc",,fail,high,'+cmd|/C calc!A0,plain,`);
    expect(results).toContain(`,'@SUM(A1),`);
    expect(bag.get('data/posture/controls.csv')!.toString()).toContain(`,"'=HYPERLINK(""http://x"")",`);
    expect(
      bag
        .get('bag-info.txt')!
        .toString()
        .match(/^Payload-Oxum/gm),
    ).toHaveLength(1);
  });

  it('give controls with their status, reason, and what auditors ask for?', async () => {
    const bag = bagIn(await readZip(await build(facts, rowsOf(3))));
    const controls = JSON.parse(bag.get('data/controls.json')!.toString()) as { id: string; auditorAsks: string[] }[];
    expect(controls.map(({ id }) => id)).toEqual(catalog.controls.map(({ id }) => id));
    expect(controls.some(({ auditorAsks }) => auditorAsks.length > 0)).toBe(true);
  });

  it('hold the log as programs that check logs read it, proofs of what is cited, and keys outside the bag?', async () => {
    const entries = await readZip(await build(facts, rowsOf(3)));
    const bag = bagIn(entries);
    expect(bag.get('data/log/checkpoint')).toEqual(facts.log.checkpoint);
    expect(hashesOfTile(bag.get('data/log/tile/0/000.p/3')!)).toEqual(LEAVES.map((leaf) => leafHash(leaf)));
    expect(entriesOf(bag.get('data/log/tile/entries/000.p/3')!)).toEqual(LEAVES);
    expect(bag.get(`data/proofs/${READABLE}.json`)).toEqual(LEAVES[1]);
    expect(bag.get(`data/proofs/${READABLE}.json.tlog-proof`)?.toString()).toBe('proof of 1');
    const keys = entries.filter(({ path }) => path.includes('/keys/'));
    expect(Object.fromEntries(keys.map(({ path, bytes }) => [path.split('/keys/')[1], bytes.toString()]))).toEqual({
      'package-signing.pem': pemOf(publicKey),
      'trusted_root.json': expect.any(String) as string,
      'earlier.vkeys': 'log+0\n',
      'log.vkey': 'log+1',
      'receipt.vkey': 'log/receipt+1',
    });
  });

  it('hold the posture of each system of an organisation?', async () => {
    const bag = bagIn(await readZip(await build(facts, rowsOf(3))));
    expect(JSON.parse(bag.get(`data/posture/systems/${SYSTEM}.json`)!.toString())).toMatchObject({
      systemId: SYSTEM,
    });
  });

  it('are refused when the posture names what the catalogue does not have?', async () => {
    const [control] = facts.posture.controls;
    const posture = { ...facts.posture, controls: [{ ...control!, id: '164.999' }] };
    await expect(build({ ...facts, posture }, rowsOf(3))).rejects.toThrow(/catalogue/);
  });

  it('have the records of each type as JSON and as a table that no spreadsheet calculates?', async () => {
    const bag = bagIn(await readZip(await build(facts, rowsOf(1))));
    const text = (path: string): string => bag.get(`data/${path}`)!.toString();
    expect(JSON.parse(text('records/policy.json'))).toEqual(JSON.parse(JSON.stringify(RECORDS['policy'])));
    const [head, own] = text('records/org/mine.csv').trimEnd().split('\r\n');
    expect(head).toMatch(/^recordId,.*,documents,links,fields\.recordId,fields\.list$/);
    expect(own).toMatch(new RegExp(`^${ID},1,'@title,.*data/evidence/${READABLE}/content.json,,own,a; =b$`));
    expect(text('records/policy.csv')).toContain(`,'=1+1\r\n`);
    expect(JSON.parse(text('index.json'))).toMatchObject({
      counts: { records: 3 },
      records: [
        { type: 'org/mine', count: 1, path: 'data/records/org/mine.json' },
        { type: 'policy', count: 2 },
      ],
    });
  });

  it('have registers, of agreements a line for each, and of a vendor without any one too?', async () => {
    const bag = bagIn(await readZip(await build(facts, rowsOf(1))));
    const text = (path: string): string => bag.get(`data/registers/${path}`)!.toString();
    expect(JSON.parse(text('agreements.json'))).toEqual(AGREEMENTS);
    const [head, ...lines] = text('agreements.csv')
      .trimEnd()
      .split('\r\n')
      .map((line) => line.split(','));
    const columns = ['name', 'states', 'title'].map((name) => head?.indexOf(name) ?? -1);
    expect(lines.map((line) => columns.map((column) => line[column]))).toEqual([
      ['With', 'ending; in-force', 'One'],
      ['With', 'ending; in-force', 'Two'],
      ['Without', 'no-agreement', ''],
    ]);
    for (const name of ['decisions', 'exceptions', 'keys', 'risks']) {
      expect(JSON.parse(text(`${name}.json`))).toEqual([]);
      expect(text(`${name}.csv`).split('\r\n')).toHaveLength(2);
    }
  });

  it('lead from a citation to the policies of it or above it, and to the records that it asks for?', async () => {
    const bag = bagIn(await readZip(await build(facts, rowsOf(3))));
    const cited = JSON.parse(bag.get('data/index/citations.json')!.toString()) as CitedItem[];
    expect(cited.map(({ id }) => id)).toEqual(catalog.controls.map(({ id }) => id));
    const of = (id: string) => cited.find((item) => item.id === id)!;
    const analysis = of('164.308(a)(1)(ii)(A)');
    expect(analysis.policies.map(({ title }) => title)).toEqual(['Security management']);
    expect(analysis.policies[0]).toMatchObject({
      decidedBy: 'two',
      documents: [{ path: `data/evidence/${READABLE}/content.json`, sha256 }],
    });
    expect(analysis.earlierPolicies).toMatchObject([{ title: 'As it was', endedAt: at.toISOString() }]);
    expect(analysis.linked).toEqual([]);
    const asked = analysis.records.find(({ type }) => type === 'risk_analysis');
    expect(asked).toMatchObject({ count: 0, path: null });
    expect(asked?.askedBy).not.toEqual([]);
    expect(of('164.310(a)(1)')).toMatchObject({ policies: [], linked: [{ title: 'A plan of ours' }] });
    const table = bag.get('data/index/citations.csv')!.toString();
    expect(table.trimEnd().split('\r\n')).toHaveLength(cited.length + 1);
  });

  it('say what was disposed of, and count it neither as there nor as broken?', async () => {
    const disposed: PackageFacts = {
      ...facts,
      evidence: [...facts.evidence, { ...item(DAMAGED, null), disposedAt: at }],
    };
    const entries = await readZip(await build(disposed, rowsOf(3)));
    expect(entries[0]?.bytes.toString()).toContain('1 of 2 evidence files were disposed of');
    const index = JSON.parse(bagIn(entries).get('data/index.json')!.toString()) as object;
    expect(index).toMatchObject({ faults: [], counts: { evidence: 2, evidenceUnreadable: 0, evidenceDisposed: 1 } });
  });

  it('say what is withheld from a package about one system, why, and with its digest?', async () => {
    const withheld = 'It tells of others.';
    const some: PackageFacts = {
      ...facts,
      evidence: [...facts.evidence, { ...item(DAMAGED, null), withheld }],
    };
    const entries = await readZip(await build(some, rowsOf(3)));
    const verify = entries[0]!.bytes.toString();
    expect(verify).toContain('1 of 2 evidence files are withheld');
    expect(verify).not.toContain('disposed of after');
    const index = JSON.parse(bagIn(entries).get('data/index.json')!.toString()) as PackageFacts & { counts: object };
    expect(index).toMatchObject({ faults: [], counts: { evidence: 2, evidenceUnreadable: 0, evidenceWithheld: 1 } });
    expect(index.evidence.find(({ evidenceId }) => evidenceId === DAMAGED)).toMatchObject({
      path: null,
      sha256,
      withheld,
    });
  });
});
