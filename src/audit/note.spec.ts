import { generateKeyPairSync, sign } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { formatCheckpoint, openCheckpoint, parseCheckpoint } from './checkpoint.js';
import {
  cosignature,
  cosignedAt,
  cosignedMessage,
  formatNote,
  formatVerifierKey,
  openNote,
  parseNote,
  parseVerifierKey,
  signNote,
  verifierKey,
  type NoteSignature,
  type VerifierKey,
} from './note.js';
import { formatReceipt, openReceipt, parseReceipt, receiptKeyName } from './receipt.js';
import { formatTlogProof, parseTlogProof } from './tlog-proof.js';

function signer(name: string) {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  const key = verifierKey(name, publicKey);
  const witness = verifierKey(name, publicKey, 'cosignature');
  const signs = (message: Buffer): Promise<Buffer> => Promise.resolve(sign(null, message, privateKey));
  return {
    key,
    witness,
    sign: (text: string): Promise<NoteSignature> => signNote(text, key, signs),
    cosign: async (text: string, time: bigint): Promise<NoteSignature> => ({
      name,
      keyId: witness.keyId,
      signature: cosignature(time, await signs(cosignedMessage(text, time))),
    }),
  };
}

const ORIGIN = 'evidence.example.com/log/019ab1c2';
const log = signer(ORIGIN);
const other = signer('other.example.com');
const TEXT = 'a text\n\nwith a blank line\n';

describe('a signed note', () => {
  it('is it read as it was written, and verified by its key alone?', async () => {
    const signature = await log.sign(TEXT);
    const bytes = formatNote({ text: TEXT, signatures: [signature, await other.sign(TEXT)] });
    expect(parseNote(bytes).text).toBe(TEXT);
    const opened = openNote(bytes, [log.key]);
    expect(opened.text).toBe(TEXT);
    expect(opened.verified).toEqual([{ key: log.key, signature }]);
    expect(opened.unknown.map(({ name }) => name)).toEqual(['other.example.com']);
    expect(() => openNote(bytes, [])).toThrow('no signature by a known key');
    const namesake: VerifierKey = signer(ORIGIN).key;
    expect(() => openNote(bytes, [namesake])).toThrow('no signature by a known key');
  });

  it('is it refused whole where one known key’s signature is wrong?', async () => {
    const bad = { ...(await other.sign(TEXT)), signature: (await other.sign('another text\n')).signature };
    const bytes = formatNote({ text: TEXT, signatures: [await log.sign(TEXT), bad] });
    expect(() => openNote(bytes, [log.key, other.key])).toThrow('the signature of other.example.com is wrong');
    // A key whose ID somebody has made to match is another key all the same.
    const forged = { ...(await other.sign(TEXT)), name: ORIGIN, keyId: log.key.keyId };
    expect(() => openNote(formatNote({ text: TEXT, signatures: [forged] }), [log.key])).toThrow('is wrong');
  });

  it('does every byte of it count?', async () => {
    const bytes = formatNote({ text: TEXT, signatures: [await log.sign(TEXT)] });
    for (const at of bytes.keys()) {
      const changed = Buffer.from(bytes);
      changed[at] = (changed[at] ?? 0) ^ 1;
      expect(() => openNote(changed, [log.key]), `byte ${at}`).toThrow();
      expect(() => openNote(bytes.subarray(0, at), [log.key]), `cut at ${at}`).toThrow();
    }
    expect(() => openNote(Buffer.concat([bytes, Buffer.from('x')]), [log.key])).toThrow('no signature');
  });

  it.each([
    ['a control character', Buffer.from('a\tb\n\n— n AAAAAAA=\n')],
    ['a carriage return', Buffer.from('a\r\n\n— n AAAAAAA=\n')],
    ['bytes that are no UTF-8', Buffer.from([0x80, 0x0a, 0x0a])],
    ['no signature', Buffer.from('a\n\n')],
    ['no blank line', Buffer.from('a\n— n AAAAAAA=\n')],
    ['another dash', Buffer.from('a\n\n- n AAAAAAA=\n')],
    ['a signature that is no Base64', Buffer.from('a\n\n— n AAAA*AA=\n')],
    ['Base64 that is written otherwise', Buffer.from('a\n\n— n AAAAAAB=\n')],
    ['a signature of nothing', Buffer.from('a\n\n— n AAAAAA==\n')],
    ['a plus in a name', Buffer.from('a\n\n— n+m AAAAAAA=\n')],
    ['no name', Buffer.from('a\n\n—  AAAAAAA=\n')],
    ['no end', Buffer.from('a\n\n— n AAAAAAA=')],
    ['too many signatures', Buffer.from(`a\n\n${'— n AAAAAAA=\n'.repeat(65)}`)],
    ['too many bytes', Buffer.from(`${'a'.repeat(65_536)}\n\n— n AAAAAAA=\n`)],
  ])('is one with %s refused?', (_, bytes) => {
    expect(() => parseNote(bytes)).toThrow(expect.objectContaining({ name: 'NoteError' }));
  });

  it('does nobody sign what is no text of a note, or as a witness without a time?', async () => {
    await expect(log.sign('no end')).rejects.toThrow('ends with a line feed');
    await expect(signNote(TEXT, log.witness, (message) => Promise.resolve(message))).rejects.toThrow('with a time');
  });
});

describe('a vkey', () => {
  it('is it read as it was written?', () => {
    for (const key of [log.key, log.witness]) {
      const read = parseVerifierKey(formatVerifierKey(key));
      expect(formatVerifierKey(read)).toBe(formatVerifierKey(key));
      expect(read.type).toBe(key.type);
    }
    expect(parseVerifierKey(`${formatVerifierKey(log.key)}\n`).name).toBe(ORIGIN);
  });

  it('is one refused that does not agree with itself?', () => {
    const [name = '', keyId = '', encoded = ''] = formatVerifierKey(log.key).split('+', 3);
    const rest = formatVerifierKey(log.key).slice(name.length + 1 + keyId.length + 1);
    expect(rest.startsWith(encoded)).toBe(true);
    for (const vkey of [
      `another+${keyId}+${rest}`,
      `${name}+00000000+${rest}`,
      `${name}+${keyId.toUpperCase()}x+${rest}`,
      `${name}+${keyId}+${rest.slice(0, -4)}`,
      `${name}+${keyId}`,
      '',
    ]) {
      expect(() => parseVerifierKey(vkey)).toThrow(expect.objectContaining({ name: 'NoteError' }));
    }
    expect(() => verifierKey('a name', log.key.publicKey)).toThrow('no spaces');
    const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    expect(() => verifierKey('name', publicKey)).toThrow('Ed25519');
  });
});

const HEAD = { origin: ORIGIN, size: 12_345, root: Buffer.alloc(32, 5) };

describe('a checkpoint', () => {
  it('is it read as it was written, with who saw it?', async () => {
    const text = formatCheckpoint(HEAD);
    const bytes = formatNote({ text, signatures: [await log.sign(text), await other.cosign(text, 1_790_000_000n)] });
    const opened = openCheckpoint(bytes, log.key, [other.witness]);
    expect(opened).toMatchObject({ ...HEAD, extensions: [] });
    const [, seen] = opened.note.verified;
    expect(cosignedAt(seen?.signature.signature ?? Buffer.alloc(0))).toBe(1_790_000_000n);
  });

  it('is one refused that its log has not signed?', async () => {
    const text = formatCheckpoint(HEAD);
    const witnessed = formatNote({ text, signatures: [await other.cosign(text, 1n)] });
    expect(() => openCheckpoint(witnessed, log.key, [other.witness])).toThrow('not signed by its log');
    const ofAnother = formatNote({ text, signatures: [await other.sign(text)] });
    expect(() => openCheckpoint(ofAnother, other.key)).toThrow('not signed by its log');
  });

  it('is a witness’ signature with another time wrong?', async () => {
    const text = formatCheckpoint(HEAD);
    const seen = await other.cosign(text, 1_000n);
    seen.signature.writeBigUInt64BE(999n);
    const bytes = formatNote({ text, signatures: [await log.sign(text), seen] });
    expect(() => openCheckpoint(bytes, log.key, [other.witness])).toThrow(
      'the signature of other.example.com is wrong',
    );
  });

  const root = HEAD.root.toString('base64');
  it.each([
    `\n1\n${root}\n`,
    `o\n01\n${root}\n`,
    `o\n-1\n${root}\n`,
    `o\n1e3\n${root}\n`,
    `o\n9007199254740992\n${root}\n`,
    `o\n1\n${root.slice(4)}\n`,
    `o\n1\n${root}`,
    `o\n1\n${root}\n\nextension\n`,
    'o\n1\n',
    '',
  ])('is %j no text of one?', (text) => {
    expect(() => parseCheckpoint(text)).toThrow(expect.objectContaining({ name: 'NoteError' }));
  });

  it('are another log’s extensions read?', () => {
    expect(parseCheckpoint(`o\n0\n${root}\nextension\n`).extensions).toEqual(['extension']);
  });
});

describe('a proof as a file', () => {
  const proof = { index: 7, hashes: [Buffer.alloc(32, 1), Buffer.alloc(32, 2)], checkpoint: Buffer.from('o\n\n— \n') };

  it('is it read as it was written, also with extra data?', () => {
    const bytes = formatTlogProof(proof);
    expect(parseTlogProof(bytes)).toEqual(proof);
    expect(parseTlogProof(Buffer.from(bytes.toString().replace('index', 'extra YQ==\nindex')))).toEqual(proof);
    expect(parseTlogProof(formatTlogProof({ ...proof, hashes: [] })).hashes).toEqual([]);
  });

  it.each([
    ['another header', 'c2sp.org/tlog-proof@v2\nindex 7\n\no\n'],
    ['no index', 'c2sp.org/tlog-proof@v1\n\no\n'],
    ['an index with a zero before it', 'c2sp.org/tlog-proof@v1\nindex 07\n\no\n'],
    ['a hash that is none', 'c2sp.org/tlog-proof@v1\nindex 7\nAAAA\n\no\n'],
    ['extra data that is no Base64', 'c2sp.org/tlog-proof@v1\nextra *\nindex 7\n\no\n'],
    ['no end of its hashes', 'c2sp.org/tlog-proof@v1\nindex 7\n'],
    ['nothing', ''],
  ])('is one with %s refused?', (_, text) => {
    expect(() => parseTlogProof(Buffer.from(text))).toThrow(expect.objectContaining({ name: 'NoteError' }));
  });
});

describe('a receipt', () => {
  const receipt = { origin: ORIGIN, leafHash: Buffer.alloc(32, 9), time: 1_790_000_000_123 };
  const text = formatReceipt(receipt);

  it('is it read as it was written, and believed of its own log’s key alone?', async () => {
    const signs = signer(receiptKeyName(ORIGIN));
    const bytes = formatNote({ text, signatures: [await signs.sign(text)] });
    expect(openReceipt(bytes, [signs.key])).toEqual(receipt);
    const ofAnother = formatNote({ text, signatures: [await log.sign(text)] });
    expect(() => openReceipt(ofAnother, [log.key])).toThrow('not signed by its log');
  });

  it.each([text.slice(0, -1), `${text}more\n`, text.replace('v1', 'v2'), text.replace('\n1790', '\n01790'), ''])(
    'is %j no text of one?',
    (wrong) => {
      expect(() => parseReceipt(wrong)).toThrow(expect.objectContaining({ name: 'NoteError' }));
    },
  );
});
