import { createHash, hash } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Leaf } from '../../src/audit/event.js';
import { parseVerifierKey } from '../../src/audit/note.js';
import { canonicalJson } from '../../src/kernel/crypto/canonical-json.js';
import { timeStampRequest } from '../../src/kernel/crypto/time-stamp/time-stamp.js';
import { versionDigest } from '../../src/records/version-digest.js';
import { verifyFiles, verifyPackage, type Verdict, type VerifyOptions } from '../../src/verify/verify.js';
import { CHECKS, type Check } from '../../src/verify/steps.js';
import { timeStampAuthority } from '../support/time-stamp-authority.js';
import { inMemory, NOTHING_KNOWN } from './in-memory.js';
import {
  EVIDENCE,
  leavesOf,
  makeKeys,
  makePackage,
  noteOf,
  packageFingerprint,
  RECORD,
  SYSTEM,
  receiptOf,
  TENANT,
  witnessVkey,
  writeFolder,
  writeZip,
  type Files,
  type MadeOptions,
  VERSION,
} from './made-package.js';

const ORIGIN = `evidence.example/log/${TENANT}`;

describe('safeguard verify', () => {
  const keys = makeKeys();
  const authority = timeStampAuthority();
  let directory: string;
  let whole: Files;

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'safeguard-verify-'));
    whole = await makePackage({ keys, authority });
  });
  afterAll(() => rm(directory, { recursive: true, force: true }));

  const verify = (files: Files, options: Partial<VerifyOptions> = {}): Promise<Verdict> =>
    verifyFiles(() => Promise.resolve(inMemory(files)), { ...NOTHING_KNOWN, ...options });
  /** Which check finds the fault first. */
  const caught = async (files: Files, options: Partial<VerifyOptions> = {}): Promise<Check | undefined> =>
    (await verify(files, options)).fault?.check;
  /** The same of what whoever has the service's keys makes. */
  const caughtIn = async (of: MadeOptions, options: Partial<VerifyOptions> = {}): Promise<Check | undefined> =>
    caught(await makePackage({ keys, ...of }), options);

  /** What one of the checks says. */
  const reasonIn = async (of: MadeOptions, check: Check): Promise<string | undefined> =>
    (await verify(await makePackage({ keys, ...of }))).lines.find((line) => line.check === check)?.text;

  it('does an untouched package pass every check, as a ZIP and as a folder?', async () => {
    const known = {
      ...NOTHING_KNOWN,
      fingerprints: [packageFingerprint(keys)],
      authorities: authority.chain,
      witnesses: [parseVerifierKey(witnessVkey(keys))],
      checkpoints: [{ name: 'last year', bytes: await noteOf(ORIGIN, leavesOf(300).slice(0, 77), keys.log) }],
      receipts: [{ name: 'receipt', bytes: receiptOf(leavesOf(300)[5]!, keys) }],
    };
    const zip = await writeZip(whole, join(directory, 'whole.zip'));
    const folder = await writeFolder(whole, join(directory, 'whole'));
    for (const verdict of [await verifyPackage(zip, known), await verifyPackage(folder, known)]) {
      expect(verdict.fault).toBeNull();
      expect(verdict.lines.filter(({ result }) => result !== 'ok')).toEqual([]);
      expect(verdict.lines.map(({ check }) => check)).toEqual(CHECKS);
    }
  });

  it.each([7, 255, 256, 257, 512, 513])('does a log of %i entries verify?', async (entries) => {
    expect((await verify(await makePackage({ keys, entries }))).fault).toBeNull();
  });

  it('does it say that trust rests on the keys in the package where nobody gave another?', async () => {
    const { verified, trusted, lines } = await verify(whole);
    expect([verified, trusted]).toEqual([true, false]);
    expect(lines.find(({ check }) => check === 'trust')).toMatchObject({ result: 'not-checked' });
    expect(lines.find(({ check }) => check === 'witnesses')?.text).toMatch(/, by its key in keys\/witnesses\.vkey$/);
    const witnesses = [parseVerifierKey(witnessVkey(keys))];
    const known = await verify(whole, { fingerprints: [packageFingerprint(keys)], witnesses });
    expect([known.verified, known.trusted]).toEqual([true, true]);
    expect(known.lines.find(({ check }) => check === 'witnesses')?.text).not.toContain('its key in');
  });

  it('does it say that nothing is anchored where nothing is?', async () => {
    const { verified, lines } = await verify(await makePackage({ keys, anchored: false }));
    expect(verified).toBe(true);
    expect(lines.find(({ check }) => check === 'anchor')).toMatchObject({ result: 'not-checked' });
    expect(lines.find(({ check }) => check === 'witnesses')).toMatchObject({ result: 'not-checked' });
  });

  describe('somebody on the way to the auditor', () => {
    /** By class of file: which check finds it. */
    const CLASSES: [RegExp, Check][] = [
      [/^VERIFY\.md$/, 'statement'],
      [/^keys\/package-signing\.pem$/, 'key'],
      [/^keys\//, 'statement'],
      [/^sig\/tagmanifest\.p256\.sig$/, 'signature'],
      [/\.sig\.tsr$/, 'time-stamps'],
      [/^sig\/statement/, 'statement'],
      [/^bag\/bagit\.txt$/, 'bag'],
      [/^bag\/data\//, 'payload'],
      [/^bag\/manifest-/, 'payload'],
      [/^bag\/tagmanifest-/, 'tag-files'],
      [/^bag\/bag-info\.txt$/, 'tag-files'],
    ];
    const checkFor = (path: string): Check => CLASSES.find(([pattern]) => pattern.test(path))![1];
    const flipped = (bytes: Buffer, at: number): Buffer => {
      const changed = Buffer.from(bytes);
      changed[at] = changed[at]! ^ 1;
      return changed;
    };

    it('cannot change a byte of any file?', async () => {
      for (const [path, bytes] of whole) {
        for (const at of [0, Math.floor(bytes.length / 2), bytes.length - 1]) {
          const found = await caught(new Map([...whole, [path, flipped(bytes, at)]]));
          // The key's own text may name another key, which has signed nothing, or say the same in other bytes, for which nobody signed.
          if (path.endsWith('.pem')) expect(['key', 'signature', 'statement'], path).toContain(found);
          else expect(found, `${path}, byte ${at}`).toBe(checkFor(path));
        }
      }
    });

    it('cannot cut a file, or add to one?', async () => {
      for (const [path, bytes] of whole) {
        for (const other of [bytes.subarray(0, -2), Buffer.concat([bytes, Buffer.from('x')]), Buffer.alloc(0)]) {
          const found = await caught(new Map([...whole, [path, other]]));
          if (path.endsWith('.pem')) expect(['key', 'statement'], path).toContain(found);
          else expect(found, `${path} with ${other.length} bytes`).toBe(checkFor(path));
        }
      }
    });

    it('cannot remove a file?', async () => {
      // A stamp may be absent; who wants one names the authority.
      const path = 'sig/tagmanifest.p256.sig.tsr';
      expect(await caught(new Map([...whole].filter(([name]) => name !== path)))).toBeUndefined();
      for (const path of [...whole.keys()].filter((name) => !name.endsWith('.tsr') || name.startsWith('bag/'))) {
        const files = new Map(whole);
        files.delete(path);
        expect(await caught(files), path).toBe(checkFor(path));
      }
    });

    it('cannot add a file?', async () => {
      const added: [string, Check][] = [
        ['bag/data/evidence/more.json', 'payload'],
        ['bag/more.txt', 'tag-files'],
        ['bag/manifest-md5.txt', 'tag-files'],
        ['bag/tagmanifest-md5.txt', 'tag-files'],
        ['bag/tagmanifest-notes/read-me-first.html', 'tag-files'],
        ['README.md', 'statement'],
        ['keys/other.pem', 'statement'],
        ['sig/other.sig', 'statement'],
      ];
      for (const [path, check] of added) {
        expect(await caught(new Map([...whole, [path, Buffer.from('x')]])), path).toBe(check);
      }
    });

    it('cannot hint at another key than the one that signed?', async () => {
      const path = 'sig/statement.sigstore.json';
      const text = whole.get(path)!.toString();
      const other = '0'.repeat(64);
      const hinted = text.replace(`"hint": "${packageFingerprint(keys)}"`, `"hint": "${other}"`);
      const named = text.replace('"sig": ', `"keyid": "${other}",\n"sig": `);
      for (const changed of [hinted, named]) {
        expect(changed).toContain(other);
        expect(await caught(new Map([...whole, [path, Buffer.from(changed)]]))).toBe('statement');
      }
    });

    it('cannot write the manifests anew, for want of the key?', async () => {
      const other = await makePackage({
        keys: makeKeys(),
        payload: (payload) => payload.set('posture/posture.json', Buffer.from('{}')),
      });
      const files = new Map([...other, ['keys/package-signing.pem', whole.get('keys/package-signing.pem')!]]);
      expect(await caught(files)).toBe('signature');
      const known = await verify(files, { fingerprints: [packageFingerprint(keys)] });
      expect([known.verified, known.trusted]).toEqual([false, false]);
    });

    it('cannot sign it all anew by a key of their own, where the auditor knows the right one?', async () => {
      const others = await makePackage({ keys: makeKeys() });
      expect(await caught(others)).toBeUndefined();
      expect(await caught(others, { fingerprints: [packageFingerprint(keys)] })).toBe('trust');
    });
  });

  describe('somebody with the database and all keys of the service', () => {
    const edited = (at: number, edit: (leaf: Leaf) => void) => (leaves: Buffer[]) => {
      const leaf = JSON.parse(leaves[at]!.toString()) as Leaf;
      edit(leaf);
      return leaves.with(at, Buffer.from(JSON.stringify(leaf)));
    };
    const before = leavesOf(300);
    const kept = async (size: number): Promise<Partial<VerifyOptions>> => ({
      checkpoints: [{ name: 'checkpoint', bytes: await noteOf(ORIGIN, before.slice(0, size), keys.log) }],
    });

    it.each<[string, (leaves: Buffer[]) => Buffer[]]>([
      ['change an event', edited(40, (leaf) => (leaf.actor.id = 'other'))],
      ['delete an event', (leaves) => leaves.toSpliced(40, 1)],
      ['put events into another order', (leaves) => leaves.with(40, leaves[41]!).with(41, leaves[40]!)],
      [
        'slip an event in',
        (leaves) => leaves.toSpliced(40, 0, Buffer.from(before[40]!.toString().replaceAll('40"', 'ff"'))),
      ],
      ['cut the log short', (leaves) => [...leaves.slice(0, 60), ...leaves.slice(-2)]],
    ])('cannot %s and write the log anew, where an earlier head is kept or was anchored?', async (_, leaves) => {
      expect(await caughtIn({ leaves })).toBeUndefined();
      expect(await caughtIn({ leaves }, await kept(100))).toBe('extends');
      expect(await caughtIn({ leaves, anchoredLeaves: before.slice(0, 100) })).toBe('anchor');
    });

    it('cannot change what a receipt was given for?', async () => {
      const receipts = [{ name: 'receipt', bytes: receiptOf(before[40]!, keys) }];
      expect(await caughtIn({}, { receipts })).toBeUndefined();
      expect(await caughtIn({ leaves: (leaves) => leaves.toSpliced(40, 1) }, { receipts })).toBe('receipts');
    });

    it('cannot show an entry, a tile or a proof that is not that of the head?', async () => {
      const with1 = (path: string) => (payload: Files) => {
        const bytes = Buffer.from(payload.get(path)!);
        bytes[bytes.length - 5] = bytes[bytes.length - 5]! ^ 1;
        payload.set(path, bytes);
      };
      const proof = [...whole.keys()].find((path) => /proofs\/.*\.tlog-proof$/.test(path))!;
      const cases: [string, Check][] = [
        ['log/tile/entries/000', 'log'],
        ['log/tile/entries/001.p/44', 'log'],
        ['log/tile/0/000', 'log'],
        ['log/tile/0/001.p/44', 'log'],
        ['log/tile/1/000.p/1', 'log'],
        ['log/checkpoint', 'checkpoint'],
        ['anchor/checkpoint', 'anchor'],
        ['anchor/tenant-checkpoint', 'anchor'],
        ['anchor/tenant-checkpoint.tlog-proof', 'anchor'],
        [`proofs/${proof.split('/').at(-1)!}`, 'proofs'],
        [`proofs/${proof.split('/').at(-1)!.replace('.tlog-proof', '')}`, 'proofs'],
        [`evidence/${EVIDENCE}/custody.jsonl`, 'custody'],
      ];
      for (const [path, check] of cases) expect(await caughtIn({ payload: with1(path) }), path).toBe(check);
      for (const [path, check] of cases.filter(([, check]) => ['log', 'checkpoint', 'anchor'].includes(check))) {
        expect(await caughtIn({ payload: (payload) => void payload.delete(path) }), `without ${path}`).toBe(check);
      }
      expect(await caughtIn({ payload: (payload) => void payload.set('log/tile/0/002', Buffer.alloc(8192)) })).toBe(
        'log',
      );
    });

    it('cannot leave an event out of those that are shown, show another, or other details?', async () => {
      const lines = (edit: (lines: string[]) => string[]) => (payload: Files) => {
        const text = payload.get('audit/events.jsonl')!.toString().trimEnd().split('\n');
        payload.set(
          'audit/events.jsonl',
          Buffer.from(
            edit(text)
              .map((line) => `${line}\n`)
              .join(''),
          ),
        );
      };
      for (const edit of [
        (all: string[]) => all.slice(1),
        (all: string[]) => [...all, all[0]!],
        (all: string[]) => all.with(3, all[3]!.replace('scan.stored', 'scan.queued')),
        (all: string[]) => all.map((line) => line.replace('"flags":[]', '"flags":["other"]')),
        (all: string[]) => all.map((line) => line.replace(/"salt":"07/, '"salt":"08')),
        (all: string[]) => [...all, JSON.stringify({ leaf: before[299]!.toString(), details: null, salt: null })],
        (all: string[]) => [...all, 'no JSON'],
      ]) {
        expect(await caughtIn({ payload: lines(edit) })).toBe('events');
      }
    });

    it('cannot exchange evidence and its row, as the log has what was received?', async () => {
      const exchange = (payload: Files) => {
        payload.set(`evidence/${EVIDENCE}/content.json`, Buffer.from('{"report":"good"}\n'));
      };
      const described = (payload: Files) => {
        exchange(payload);
        const sha256 = 'd1a5a3e2d30ad6ad1b6cf37cf8b42c4e4fe9f0b4b2ce0d65e0a1b2c3d4e5f607';
        const text = payload.get('index.json')!.toString();
        payload.set('index.json', Buffer.from(text.replace(/"sha256": "[0-9a-f]{64}"/, `"sha256": "${sha256}"`)));
      };
      expect(await caughtIn({ payload: exchange })).toBe('evidence');
      // Nor by a digest that is not that of the file.
      expect(await caughtIn({ payload: described })).toBe('evidence');
      expect(await caughtIn({ leaves: edited(1, (leaf) => (leaf.object.sha256 = 'a'.repeat(64))) })).toBe('received');
      expect(await caughtIn({ leaves: edited(1, (leaf) => (leaf.object.id = 'other')) })).toBe('received');
      // Nor by an event that comes later and says that something else was received.
      const again = edited(40, (leaf) => {
        leaf.action = 'evidence.received';
        leaf.object = { kind: 'evidence', id: EVIDENCE, sha256: sha256Of('{"report":"good"}\n') };
      });
      const rewritten = (payload: Files) => {
        exchange(payload);
        const text = payload.get('index.json')!.toString();
        const [sha256, size] = [sha256Of('{"report":"good"}\n'), '{"report":"good"}\n'.length];
        const index = text.replace(/"sha256": "[0-9a-f]{64}",\s+"size": \d+/, `"sha256": "${sha256}", "size": ${size}`);
        payload.set('index.json', Buffer.from(index));
      };
      expect(await caughtIn({ leaves: again, payload: rewritten })).toBe('received');
    });

    it('cannot exchange what was approved, who approved it or when, nor say that it was disposed of?', async () => {
      const path = 'records/policy.json';
      const replaced = (text: string, by: string) => (payload: Files) => {
        const old = payload.get(path)!.toString();
        expect(old).toContain(text);
        payload.set(path, Buffer.from(old.replace(text, by)));
      };
      for (const [text, by] of [
        ['"We keep', '"We do not keep'],
        ['"title":"Backups"', '"title":"Nothing"'],
        ['"systemIds":[]', '"systemIds":["other"]'],
        ['"effectiveFrom":"2026', '"effectiveFrom":"2020'],
        ['"fails":false', '"fails":true'],
        ['"target":"164.308(a)(7)"', '"target":"164.312(a)"'],
        ['"documents":[]', '"documents":[{"evidenceId":"other"}]'],
        ['"decidedBy":"agent"', '"decidedBy":"other"'],
        ['"decidedAt":"2026', '"decidedAt":"2025'],
        ['"version":1', '"version":2'],
        ['"disposed":false', '"disposed":true'],
        // No list as packages write it: what another reader takes for an item must not be passed over here.
        ['[\n', ''],
        ['\n]\n', '\n'],
        ['\n]\n', ',\n]\n'],
        ['\n]\n', '\n]\n]\n'],
        ['}\n', '},\n[]\n'],
        ['}\n', '}\n{}\n'],
      ] as const) {
        expect(await caughtIn({ payload: replaced(text, by) }), by).toBe('approved');
      }
      expect(await caughtIn({ payload: (payload) => void payload.set(path, Buffer.from('[]\n')) })).toBeUndefined();
      expect(await caughtIn({ leaves: edited(2, (leaf) => (leaf.object.sha256 = 'a'.repeat(64))) })).toBe('approved');
      expect(await caughtIn({ leaves: edited(2, (leaf) => (leaf.action = 'record.submitted')) })).toBe('approved');
      // Nor by an approval that comes later and is of what was put in its place.
      const again = edited(40, (leaf) => {
        leaf.action = 'record.approved';
        leaf.object = {
          kind: 'record',
          id: RECORD,
          version: 1,
          sha256: versionDigest({ ...VERSION, title: 'Nothing' }),
        };
      });
      const of40 = (payload: Files) => {
        replaced('"title":"Backups"', '"title":"Nothing"')(payload);
        const { time } = JSON.parse(before[40]!.toString()) as Leaf;
        payload.set(
          path,
          Buffer.from(
            payload
              .get(path)!
              .toString()
              .replace(/"decidedAt":"[^"]*"/, `"decidedAt":"${time}"`),
          ),
        );
      };
      expect(await caughtIn({ leaves: again, payload: of40 })).toBe('approved');
    });

    it('does a record that was disposed of verify, where the log says that it was?', async () => {
      const emptied = (payload: Files) => {
        const text = payload.get('records/policy.json')!.toString();
        payload.set(
          'records/policy.json',
          Buffer.from(text.replace('"disposed":false', '"disposed":true').replace('We keep copies.', '')),
        );
      };
      const disposed = edited(5, (leaf) => {
        leaf.action = 'record.disposed';
        leaf.object = { kind: 'record', id: RECORD };
      });
      const { verified, lines } = await verify(await makePackage({ keys, payload: emptied, leaves: disposed }));
      expect(verified).toBe(true);
      expect(lines.find(({ check }) => check === 'approved')?.text).toMatch(/of 1 the content was disposed of/);
    });

    it('does a record that was approved before its digest had all of it verify by that of then?', async () => {
      const { fields, links, documents } = {
        fields: { statement: 'We keep copies.' },
        links: [{ kind: 'control', target: '164.308(a)(7)', note: '' }],
        documents: [],
      };
      const sha256 = hash('sha256', canonicalJson({ fields, links, documents }));
      expect(await caughtIn({ leaves: edited(2, (leaf) => (leaf.object.sha256 = sha256)) })).toBeUndefined();
    });

    it('cannot leave evidence out and not say why?', async () => {
      const without = (faults: string) => (payload: Files) => {
        payload.delete(`evidence/${EVIDENCE}/content.json`);
        payload.delete('oscal/assessment-results.json');
        const text = payload.get('index.json')!.toString();
        payload.set(
          'index.json',
          Buffer.from(text.replace(/"path": "data[^"]+"/, '"path": null').replace('"faults": []', faults)),
        );
      };
      expect(await caughtIn({ payload: without('"faults": []') })).toBe('evidence');
      const disposed = (payload: Files) => {
        without('"faults": []')(payload);
        const text = payload.get('index.json')!.toString();
        payload.set('index.json', Buffer.from(text.replace('"disposedAt": null', `"disposedAt": "${KNOWN_AT}"`)));
      };
      expect(await caughtIn({ payload: disposed })).toBe('received');
      const disposal = edited(299, (leaf) => {
        leaf.action = 'evidence.disposed';
        leaf.object = { kind: 'evidence', id: EVIDENCE };
      });
      expect(await caughtIn({ payload: disposed, leaves: disposal })).toBeUndefined();
      // Withheld is what a package about one system withholds, and says so of; nothing that is there, and nothing in a package about all.
      const withheld = (systemId: string, without: (payload: Files) => void) => (payload: Files) => {
        without(payload);
        const text = payload.get('index.json')!.toString();
        payload.set(
          'index.json',
          Buffer.from(
            text
              .replace('"disposedAt": null', '"disposedAt": null, "withheld": "It tells of others."')
              .replace('"systemId": null', `"systemId": ${systemId}`),
          ),
        );
      };
      const absent = without('"faults": []');
      const reported = (payload: Files) => {
        withheld('"one"', absent)(payload);
        const text = payload.get('index.json')!.toString();
        payload.set(
          'index.json',
          Buffer.from(text.replace('"withheld":', '"scans": [{ "scanId": "s" }], "withheld":')),
        );
      };
      expect(await caughtIn({ payload: withheld('null', absent) })).toBe('evidence');
      // The statement of this one is about all systems.
      const told = async (payload: (payload: Files) => void) =>
        (await verify(await makePackage({ keys, payload }))).lines.find(({ check }) => check === 'evidence')?.text;
      expect(await told(withheld('"one"', () => undefined))).toMatch(/is withheld, and it is there/);
      expect(await told(withheld('"one"', absent))).toMatch(/1 are withheld/);
      expect(await told(reported)).toMatch(/is the report of a scan/);
      // Nor withheld for what no event says.
      expect(await reasonIn({ payload: withheld('"one"', absent) }, 'complete')).toMatch(/no event says/);
      // What was a document before it was frozen, after the instant of knowledge, is withheld by the service's word.
      const later = edited(299, (leaf) => {
        leaf.action = 'posture.frozen';
        leaf.object = { kind: 'record', id: RECORD, version: 1 };
      });
      expect(await reasonIn({ payload: withheld('"one"', absent), leaves: later }, 'complete')).toMatch(
        /1 withheld evidence are such postures by the service’s word/,
      );
    });

    it('cannot say that evidence could no longer be read, where the log does not say that it was found so?', async () => {
      const gone = (payload: Files) => {
        payload.delete(`evidence/${EVIDENCE}/content.json`);
        payload.delete('oscal/assessment-results.json');
        const said = `"faults": [{ "evidenceId": "${EVIDENCE}", "reason": "gone" }]`;
        const text = payload.get('index.json')!.toString();
        payload.set(
          'index.json',
          Buffer.from(text.replace(/"path": "data[^"]+"/, '"path": null').replace('"faults": []', said)),
        );
      };
      // As it is when the package is made: later than the instant of knowledge.
      const found = (action: Leaf['action'], at = 298) =>
        edited(at, (leaf) => {
          leaf.action = action;
          leaf.object = { kind: 'evidence', id: EVIDENCE };
        });
      expect(await caughtIn({ payload: gone })).toBe('received');
      const { verified, lines } = await verify(
        await makePackage({ keys, payload: gone, leaves: found('evidence.corrupt') }),
      );
      expect(verified).toBe(true);
      expect(lines.find(({ check }) => check === 'evidence')?.text).toMatch(/1 could no longer be read/);
      const again = (leaves: Buffer[]) => found('evidence.restored', 299)(found('evidence.corrupt')(leaves));
      expect(await caughtIn({ payload: gone, leaves: again })).toBe('received');
    });

    it('cannot leave a scan out, put one in or tell it otherwise?', async () => {
      const scans = (edit: (text: string) => string) => (payload: Files) => {
        payload.set('scans.jsonl', Buffer.from(edit(payload.get('scans.jsonl')!.toString())));
      };
      expect(await reasonIn({ payload: scans(() => '') }, 'complete')).toMatch(/leaves out scan scan-0/);
      const other = (text: string) => text + text.replace('scan-0', 'scan-x');
      expect(await reasonIn({ payload: scans(other) }, 'reports')).toMatch(/does not say that scan scan-x was stored/);
      for (const [said, by] of [
        [SYSTEM, EVIDENCE],
        [`"evidenceId":"${EVIDENCE}"`, `"evidenceId":"${SYSTEM}"`],
        ['kube-bench', 'trivy'],
        ['T07:00', 'T06:00'],
        ['"total":1', '"total":2'],
      ] as const) {
        const edit = (text: string) => text.replace(said, by);
        expect(await reasonIn({ payload: scans(edit) }, 'reports'), said).toMatch(/not what the log says|no evidence/);
      }
      // Of another system, of before the period and of after the instant there may be any number.
      for (const [said, by] of [
        [`{ "id": "${SYSTEM}"`, '{ "id": "another"'],
        ['"from": "2025-11-23T09', '"from": "2026-11-23T07:00:01.000Z", "was": "T09'],
      ] as const) {
        const edit = (payload: Files) => {
          scans(() => '')(payload);
          const text = payload
            .get('index.json')!
            .toString()
            .replaceAll(/\s+"id": /g, ' "id": ');
          expect(text).toContain(said);
          payload.set('index.json', Buffer.from(text.replace(said, by)));
        };
        const leaves = edited(3, (leaf) => {
          if (by.includes('another')) leaf.object.id = 'another';
        });
        const { lines } = await verify(await makePackage({ keys, payload: edit, leaves }));
        expect(lines.find(({ check }) => check === 'complete')?.result, said).toBe('ok');
      }
    });

    it('cannot keep silent that rows were found altered, until they were found right?', async () => {
      const object = { kind: 'member', id: RECORD } as const;
      const found = (action: Leaf['action'], at: number) =>
        edited(at, (leaf) => {
          leaf.action = action;
          leaf.object = object;
        });
      const listed = (rows: object[]) => (payload: Files) => {
        const value = JSON.parse(payload.get('index.json')!.toString()) as object;
        payload.set('index.json', Buffer.from(JSON.stringify({ ...value, alteredRows: rows })));
      };
      const altered = found('row.altered', 298);
      const said = (payload: (payload: Files) => void, leaves: MadeOptions['leaves'] = altered) =>
        reasonIn({ payload, leaves }, 'complete');
      expect(await said(listed([]))).toMatch(/does not say that rows of member/);
      expect(await said(listed([object]))).toMatch(/rows of 1 objects were found altered/);
      const again = (leaves: Buffer[]) => found('row.restored', 299)(altered(leaves));
      expect(await said(listed([]), again)).toMatch(/^none of/);
      // That it is right again, said beforehand, takes nothing from what is found then.
      const before = (leaves: Buffer[]) => found('row.restored', 297)(altered(leaves));
      expect(await said(listed([]), before)).toMatch(/does not say that rows of member/);
      // One that was made before anybody looked says nothing of it.
      expect(await caughtIn({ leaves: altered })).toBeUndefined();
    });

    it('cannot leave a system out, put one in or tell it otherwise than its events?', async () => {
      const index = (edit: (index: Index) => void) => (payload: Files) => {
        const value = JSON.parse(payload.get('index.json')!.toString()) as Index;
        edit(value);
        payload.set('index.json', Buffer.from(JSON.stringify(value)));
      };
      interface Index {
        asOf: string;
        knownAt: string;
        organization: { name: string };
        scope: { systems: Record<string, unknown>[] };
      }
      const listed = (change: object) => index(({ scope }) => Object.assign(scope.systems[0]!, change));
      const said = (payload: (payload: Files) => void, leaves?: MadeOptions['leaves']) =>
        reasonIn({ payload, ...(leaves === undefined ? {} : { leaves }) }, 'complete');
      for (const change of [
        { name: 'other' },
        { environment: 'development' },
        { phi: 'none' },
        { phiNamespaces: ['emr'] },
        { version: 2 },
      ]) {
        expect(await said(listed(change)), JSON.stringify(change)).toMatch(/says otherwise of system/);
      }
      expect(await said(listed({ id: 'another' }))).toMatch(/lists system another, and no event says/);
      const none = index(({ scope }) => (scope.systems = []));
      expect(await said(none)).toMatch(/leaves out system/);
      expect(await said(index(({ organization }) => (organization.name = 'Seaside')))).toMatch(
        /organisation otherwise/,
      );
      // As packages of before told them: by less.
      const bare = index(({ scope }) => (scope.systems = [{ id: SYSTEM, name: 'emr' }]));
      expect(await said(bare)).toMatch(/; 1 systems are what the log says of them/);
      const retired = edited(40, (leaf) => {
        leaf.action = 'system.retired';
        leaf.object = { kind: 'system', id: SYSTEM, version: 2 };
      });
      expect(await said(listed({}), retired)).toMatch(/which the log says was retired/);
      expect(await said(none, retired)).toMatch(/; 0 systems/);
      // Of a moment before its event it may be either; of a day before it was in use, whoever says so.
      const asOf = (at: string) => index((value) => (value.asOf = at));
      expect(await said(asOf('2026-11-23T07:59:59.990Z'), retired)).toMatch(/; 1 systems/);
      const later = (payload: Files) => [asOf('2026-11-22T08:00:00.000Z'), none].forEach((edit) => edit(payload));
      expect(await said(later)).toMatch(/leaves out system/);
    });

    it('cannot leave a step of custody out, tell one twice or otherwise, or show the promise for another?', async () => {
      const path = `evidence/${EVIDENCE}/custody.jsonl`;
      const told = (edit: (text: string) => string) => (payload: Files) => {
        payload.set(path, Buffer.from(edit(payload.get(path)!.toString())));
      };
      const read = edited(40, (leaf) => {
        leaf.action = 'evidence.read';
        leaf.object = { kind: 'evidence', id: EVIDENCE };
      });
      expect(await caughtIn({ leaves: read })).toBe('custody');
      expect(await caughtIn({ payload: (payload) => void payload.delete(path) })).toBe('custody');
      expect(
        await caughtIn({ payload: (payload) => void payload.set('evidence/other/custody.jsonl', payload.get(path)!) }),
      ).toBe('custody');
      for (const edit of [
        (text: string) => text.replace('"requestId":"request"', '"requestId":"other"'),
        (text: string) => `${text}${text.replace('"seq":1', '"seq":2')}`,
        () => '',
      ]) {
        expect(await caughtIn({ payload: told(edit) })).toBe('custody');
      }
      for (const receipt of [receiptOf(before[40]!, keys), receiptOf(before[1]!, makeKeys())]) {
        const other = (text: string) =>
          `${JSON.stringify({ ...(JSON.parse(text) as object), receipt: receipt.toString() })}\n`;
        expect(await caughtIn({ payload: told(other) })).toBe('custody');
      }
    });

    it('cannot tell a step by another word, or with other details than the log has of it?', async () => {
      const path = `evidence/${EVIDENCE}/custody.jsonl`;
      const step = (edit: object) => (payload: Files) => {
        const told = JSON.parse(payload.get(path)!.toString()) as object;
        payload.set(path, Buffer.from(`${JSON.stringify({ ...told, ...edit })}\n`));
      };
      expect(await caughtIn({ payload: step({ step: 'disposed' }) })).toBe('custody');
      expect(await caughtIn({ payload: step({ step: 'hold-set' }) })).toBe('custody');
      expect(await caughtIn({ payload: step({ details: { receivedSize: 1 } }) })).toBe('custody');
    });

    it.each(['constructor', 'toString', '__proto__'])(
      'cannot name an action as what every object has, and so end the verification: %s?',
      async (action) => {
        const leaves = edited(1, (leaf) => (leaf.action = action as Leaf['action']));
        expect(await reasonIn({ leaves }, 'custody')).toContain(`calls the event ${action} received`);
      },
    );

    it('cannot sign the log by another key than an auditor knows?', async () => {
      const vkey = (file: string) => parseVerifierKey(whole.get(`keys/${file}.vkey`)!.toString());
      const known = [vkey('log'), vkey('receipt'), vkey('anchor')];
      const verdict = await verify(whole, { logKeys: known });
      expect(verdict.fault).toBeNull();
      expect(verdict.lines.find(({ check }) => check === 'checkpoint')?.text).toMatch(
        /a key of the log that you trust$/,
      );
      // All of it anew, by keys that the package brings along.
      const others = makeKeys();
      const forged = { keys: { ...keys, log: others.log, receipt: others.receipt } };
      expect(await caughtIn(forged)).toBeUndefined();
      for (const [key, check] of [
        [known[0]!, 'checkpoint'],
        [known[1]!, 'custody'],
      ] as const) {
        expect(await caughtIn(forged, { logKeys: [key] })).toBe(check);
      }
      expect(await caughtIn(forged, { logKeys: known.slice(1) })).toBe('anchor');
      // One that is of no log here would pin nothing.
      expect(await caught(whole, { logKeys: [parseVerifierKey(witnessVkey(keys))] })).toBe('checkpoint');
    });

    it('cannot call an event by the name of another, or by a time that is none?', async () => {
      const renamed = (payload: Files) => {
        for (const [path, bytes] of [...payload]) {
          if (!path.startsWith('proofs/')) continue;
          payload.delete(path);
          payload.set(path.replace('000000000001', '000000000002'), bytes);
        }
      };
      expect(await caughtIn({ payload: renamed })).toBe('proofs');
      const unshown = (payload: Files) => {
        const lines = payload.get('audit/events.jsonl')!.toString().split('\n');
        payload.set('audit/events.jsonl', Buffer.from(lines.filter((line) => !line.includes('soon')).join('\n')));
      };
      expect(await caughtIn({ leaves: edited(40, (leaf) => (leaf.time = 'soon')), payload: unshown })).toBe('log');
    });

    it('cannot stop the check by what nests too deep?', async () => {
      const deep = `${'['.repeat(50_000)}${']'.repeat(50_000)}`;
      const nested = (payload: Files) => {
        const text = payload.get('audit/events.jsonl')!.toString();
        payload.set('audit/events.jsonl', Buffer.from(text.replace('"flags":[]', `"flags":${deep}`)));
      };
      expect(await caughtIn({ payload: nested })).toBe('events');
    });

    it('cannot state what the package is not?', async () => {
      const stating = (edit: (predicate: Record<string, unknown>) => void) =>
        caughtIn({ statement: ({ predicate }) => edit(predicate as Record<string, unknown>) });
      for (const name of ['packageId', 'tenant', 'counts', 'scope', 'period']) {
        const other = {
          packageId: 'x',
          tenant: 'x',
          counts: {},
          scope: { systemId: 'x' },
          period: { from: 'x', asOf: 'x', knownAt: 'x' },
        };
        expect(await stating((of) => (of[name] = other[name as keyof typeof other])), name).toBe('described');
      }
      expect(await stating((of) => (of['log'] = { ...(of['log'] as object), size: 299 }))).toBe('checkpoint');
      expect(await stating((of) => (of['anchor'] = { ...(of['anchor'] as object), size: 3 }))).toBe('anchor');
      expect(await stating((of) => (of['anchor'] = null))).toBe('anchor');
      expect(await caughtIn({ statement: (of) => (of['predicateType'] = 'https://example.com/other') })).toBe(
        'statement',
      );
      expect(await caughtIn({ statement: (of) => (of['subject'] = (of['subject'] as object[]).slice(1)) })).toBe(
        'statement',
      );
    });

    it('cannot count systems otherwise than the posture of each says?', async () => {
      const whole = 'posture/posture.json';
      const own = `posture/systems/${SYSTEM}.json`;
      const replaced = (path: string, pattern: RegExp, by: string) => (payload: Files) => {
        const text = payload.get(path)!.toString();
        expect(text).toMatch(pattern);
        payload.set(path, Buffer.from(text.replace(pattern, by)));
      };
      for (const payload of [
        replaced(whole, /"stale": 1/, '"evidenced": 1'),
        replaced(whole, /"failing": 0,\s*"stale": 1/, '"evidenced": 1'),
        replaced(whole, /("session-controls",\s*"systems": \{\s*"missing": )1/, '$12'),
        replaced(whole, /"systems": \[\s*\{/, '"systems": [], "was": [{'),
        replaced(own, /"status": "stale"/, '"status": "evidenced"'),
        (files: Files) => files.delete(own),
        (files: Files) => files.set(`posture/systems/${RECORD}.json`, files.get(own)!),
      ]) {
        expect(await caughtIn({ payload: (files) => payload(files) })).toBe('postures');
      }
    });

    it('cannot refer in OSCAL to what is not there, or to other bytes?', async () => {
      const replaced = (pattern: RegExp, by: string) => (payload: Files) => {
        const path = 'oscal/assessment-results.json';
        payload.set(path, Buffer.from(payload.get(path)!.toString().replace(pattern, by)));
      };
      for (const [pattern, by] of [
        [/"#2e4a/, '"#3e4a'],
        [/"catalog\.json"/, '"profile.json"'],
        [/"value": "[0-9a-f]/, '"value": "g'],
        [/"algorithm": "SHA-256"/, '"algorithm": "SHA3-256"'],
        [/"hashes": \[/, '"hashes": [null,'],
        [/content\.json/, 'content.txt'],
        [/"uuid": "2e4a/, '"uuid": "1e4a'],
        [/^\{/, ''],
      ] as const) {
        expect(await caughtIn({ payload: replaced(pattern, by) }), String(pattern)).toBe('oscal');
      }
    });

    it('cannot stamp the time themselves?', async () => {
      const other = timeStampAuthority();
      expect(await caughtIn({ authority: other })).toBeUndefined();
      expect(await caughtIn({ authority: other }, { authorities: authority.chain })).toBe('time-stamps');
      expect(await caughtIn({}, { authorities: authority.chain })).toBe('time-stamps');
      const exchanged = (payload: Files) => {
        payload.set('anchor/checkpoint.tsr', authority.answer(timeStampRequest(Buffer.from('other')).request));
      };
      expect(await caughtIn({ authority, payload: exchanged })).toBe('time-stamps');
    });

    it('cannot pass for another organisation, or for a witness?', async () => {
      expect(await caughtIn({ leaves: edited(40, (leaf) => (leaf.tenant = ANOTHER)) })).toBe('log');
      const witnesses = [parseVerifierKey(witnessVkey(makeKeys()))];
      expect(await caughtIn({}, { witnesses })).toBe('witnesses');
      expect(await caughtIn({ anchored: false }, { witnesses })).toBe('witnesses');
      // A key ID has four bytes: somebody makes keys until one has that of the witness, and puts it into the package.
      const { keyId } = parseVerifierKey(witnessVkey(keys));
      expect(await caughtIn({}, { witnesses: witnesses.map((witness) => ({ ...witness, keyId })) })).toBe('anchor');
    });
  });

  it('does a package that was signed before the keys were exchanged still verify, and a checkpoint from then?', async () => {
    const now = makeKeys();
    const old = await noteOf(ORIGIN, leavesOf(300).slice(0, 50), keys.log);
    const log = parseVerifierKey(whole.get('keys/log.vkey')!.toString());
    expect(
      (await verify(whole, { fingerprints: [packageFingerprint(now), packageFingerprint(keys)] })).fault,
    ).toBeNull();
    const later = await makePackage({ keys: now });
    const checkpoints = [{ name: 'old', bytes: old }];
    expect(await caught(later, { checkpoints })).toBe('extends');
    const present = parseVerifierKey(later.get('keys/log.vkey')!.toString());
    expect(await caught(later, { checkpoints, logKeys: [log, present] })).toBeUndefined();
  });
});

const KNOWN_AT = '2026-11-23T09:00:00.000Z';
const sha256Of = (text: string): string => createHash('sha256').update(text).digest('hex');

const ANOTHER = '019ab1c2-7a10-7bd3-9c55-0f6f2b7d8aff';
