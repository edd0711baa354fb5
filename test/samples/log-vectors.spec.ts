import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openCheckpoint } from '../../src/audit/checkpoint.js';
import { EMPTY_ROOT, isConsistent, isIncluded, leafHash, rootOf } from '../../src/audit/merkle.js';
import { cosignedAt, openNote, parseVerifierKey, formatVerifierKey } from '../../src/audit/note.js';
import { entriesOf, hashReader, hashesOfTile } from '../../src/audit/tile.js';
import { shared } from './shared.js';

const VECTORS = shared('vectors', 'nothing was held to the test vectors of RFC 6962 and of C2SP’s logs');

describe.skipIf(VECTORS === null)('test vectors of logs (../shared/vectors)', () => {
  const path = (name: string): string => join(VECTORS ?? '', name);
  const read = (name: string): Buffer => readFileSync(path(name));
  const json = (name: string): unknown => JSON.parse(read(name).toString());
  const bytes = (text: string): Buffer => Buffer.from(text, 'base64');
  const cases = (kind: string): string[] =>
    VECTORS === null
      ? []
      : readdirSync(path(`rfc6962-merkle/${kind}`), { recursive: true, encoding: 'utf8' })
          .filter((name) => name.endsWith('.json'))
          .map((name) => `rfc6962-merkle/${kind}/${name}`);

  it.each(cases('inclusion'))('is %s told as it is?', (name) => {
    const given = json(name) as {
      leafIdx: number;
      treeSize: number;
      root: string;
      leafHash: string;
      proof: string[] | null;
      wantErr: boolean;
    };
    const head = { size: given.treeSize, root: bytes(given.root) };
    const proof = (given.proof ?? []).map(bytes);
    expect(isIncluded(bytes(given.leafHash), given.leafIdx, head, proof)).toBe(!given.wantErr);
  });

  it.each(cases('consistency'))('is %s told as it is?', (name) => {
    const given = json(name) as {
      size1: number;
      size2: number;
      root1: string;
      root2: string;
      proof: string[] | null;
      wantErr: boolean;
    };
    const [first, second] = [
      { size: given.size1, root: bytes(given.root1) },
      { size: given.size2, root: bytes(given.root2) },
    ];
    expect(isConsistent(first, second, (given.proof ?? []).map(bytes))).toBe(!given.wantErr);
  });

  it('are the notes of signed-note told as they are?', () => {
    interface Case {
      name: string;
      vkeys: string[];
      note: string;
      want: { ok: boolean; text?: string; verified?: string[]; unverified?: string[] };
    }
    const { cases } = json('signed-note/vectors.json') as { cases: Case[] };
    expect(cases.length).toBeGreaterThan(5);
    for (const { name, vkeys, note, want } of cases) {
      const open = () => openNote(Buffer.from(note), vkeys.map(parseVerifierKey));
      if (!want.ok) {
        expect(open, name).toThrow(expect.objectContaining({ name: 'NoteError' }));
        continue;
      }
      const named = (of: { name: string; keyId: string }): string => `${of.name}+${of.keyId}`;
      const opened = open();
      expect(opened.text, name).toBe(want.text);
      expect(opened.verified.map(({ key }) => named(key))).toEqual(want.verified);
      expect(opened.unknown.map(named)).toEqual(want.unverified ?? []);
    }
  });

  it('is a checkpoint with the cosignature of a witness opened?', () => {
    const { cases, timestamp_only, vkeys_valid } = json('tlog-cosignature/vectors.json') as {
      cases: { log_vkey: string; witness_vkey: string; timestamp: number; cosigned_checkpoint: string }[];
      timestamp_only: { note_signature_base64: string; want_unix?: number }[];
      vkeys_valid: string[];
    };
    for (const given of cases) {
      const [log, witness] = [parseVerifierKey(given.log_vkey), parseVerifierKey(given.witness_vkey)];
      const { verified } = openCheckpoint(Buffer.from(given.cosigned_checkpoint), log, [witness]).note;
      const cosigned = verified.find(({ key }) => key === witness);
      expect(cosignedAt(cosigned?.signature.signature ?? Buffer.alloc(0))).toBe(BigInt(given.timestamp));
    }
    for (const given of timestamp_only) {
      const time = cosignedAt(bytes(given.note_signature_base64).subarray(4));
      expect(time).toBe(given.want_unix === undefined ? null : BigInt(given.want_unix));
    }
    for (const vkey of vkeys_valid) expect(formatVerifierKey(parseVerifierKey(vkey))).toBe(vkey);
  });

  it('is every checkpoint of a log of others the root of its tiles and its entries?', async () => {
    const vkey = 'example.com/log/testdata+33d7b496+AeHTu4Q3hEIMHNqc6fASMsq3rKNx280NI+oO5xCFkkSx';
    const log = parseVerifierKey(vkey);
    for (let size = 0; size <= 15; size += 1) {
      const checkpoint = openCheckpoint(read(`tlog-tiles-log/checkpoint.${size}`), log);
      expect(checkpoint.size).toBe(size);
      if (size === 0) {
        expect(checkpoint.root).toEqual(EMPTY_ROOT);
        continue;
      }
      const tile = read(`tlog-tiles-log/tile/0/000.p/${size}`);
      const entries = entriesOf(read(`tlog-tiles-log/tile/entries/000.p/${size}`));
      expect(entries.map((entry) => leafHash(entry))).toEqual(hashesOfTile(tile));
      expect(
        await rootOf(
          size,
          hashReader(size, () => Promise.resolve([tile])),
        ),
      ).toEqual(checkpoint.root);
    }
  });
});
