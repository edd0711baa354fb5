import { generateKeyPairSync, sign, type KeyObject } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { startWitness, type TestWitness } from '../../../test/support/witness.js';
import { outbound } from '../../kernel/http/outbound.js';
import { formatCheckpoint, openCheckpoint } from '../checkpoint.js';
import { consistencyProof, leafHash, nodeHash, rootOf, type HashReader } from '../merkle.js';
import { formatNote, signNote, verifierKey } from '../note.js';
import { WitnessClient, WitnessDisagrees, WitnessFault, type Submission } from './witness.js';

const ORIGIN = 'log.example/anchor';
const { publicKey, privateKey } = generateKeyPairSync('ed25519');
const LOG = verifierKey(ORIGIN, publicKey);

let witness: TestWitness;
beforeAll(async () => {
  witness = await startWitness();
});
beforeEach(() => {
  witness.logs.set(ORIGIN, LOG);
  witness.seen.clear();
  witness.requests = [];
  witness.answering = null;
});
afterAll(() => witness.stop());

const client = (): WitnessClient =>
  new WitnessClient(
    { url: witness.url, key: witness.key },
    outbound({ publicOnly: false, allowInsecure: true, patience: 2_000 }),
  );

/** A log whose leaves are a word and their number. */
async function submission(
  size: number,
  word = 'leaf',
  by: KeyObject = privateKey,
): Promise<Submission & { root: Buffer }> {
  const hashAt = (level: number, index: number): Buffer =>
    level === 0
      ? leafHash(Buffer.from(`${word} ${index}`))
      : nodeHash(hashAt(level - 1, index * 2), hashAt(level - 1, index * 2 + 1));
  const read: HashReader = (subtrees) => Promise.resolve(subtrees.map(({ level, index }) => hashAt(level, index)));
  const root = await rootOf(size, read);
  const text = formatCheckpoint({ origin: ORIGIN, size, root });
  const signature = await signNote(text, LOG, (bytes) => Promise.resolve(sign(null, bytes, by)));
  return {
    root,
    checkpoint: { size },
    note: formatNote({ text, signatures: [signature] }),
    consistencyProof: (from) => consistencyProof(from, size, read),
  };
}

describe('is a checkpoint cosigned by a witness that is asked as C2SP says?', () => {
  it('is its signature one by its key, and is the checkpoint with it one that a verifier takes?', async () => {
    const { note, ...rest } = await submission(3);
    const cosignature = await client().cosign({ note, ...rest });
    const text = note.toString('utf8').slice(0, note.lastIndexOf('\n\n') + 1);
    const [own] = openCheckpoint(note, LOG).note.verified;
    const cosigned = formatNote({ text, signatures: [own?.signature ?? cosignature, cosignature] });
    expect(openCheckpoint(cosigned, LOG, [witness.key]).note.verified.map(({ key }) => key.name)).toEqual([
      ORIGIN,
      'witness.example/w1',
    ]);
  });

  it('is the proof from what it has seen sent, by who knows that and by who has to ask first?', async () => {
    const knowing = client();
    await knowing.cosign(await submission(3));
    await knowing.cosign(await submission(7));
    await client().cosign(await submission(8));
    expect(witness.requests.map((body) => body.split('\n')[0])).toEqual(['old 0', 'old 3', 'old 0', 'old 7']);
    expect(witness.seen.get(ORIGIN)?.size).toBe(8);
  });

  it('is the same checkpoint cosigned again?', async () => {
    await client().cosign(await submission(5));
    await client().cosign(await submission(5));
    expect(witness.requests.map((body) => body.split('\n')[0])).toEqual(['old 0', 'old 0', 'old 5']);
  });
});

describe('is a log that the witness has seen otherwise told from a witness that does not answer?', () => {
  it.each([
    ['larger', 5, 'leaf', 'it has seen the log with 8 leaves, and ours has 5'],
    ['another of the same size', 8, 'other', 'it has seen another log of that name with 8 leaves'],
    ['one that ours does not extend', 9, 'other', 'which ours does not extend'],
  ])('is it %s?', async (_, size, word, message) => {
    await client().cosign(await submission(8));
    const refused = client().cosign(await submission(size, word));
    await expect(refused).rejects.toThrow(WitnessDisagrees);
    await expect(refused).rejects.toThrow(message);
    expect(witness.seen.get(ORIGIN)?.size).toBe(8);
  });

  it.each([
    [{ status: 500, body: '' }, 'it answered 500'],
    [{ status: 409, body: 'many\n' }, 'without the size'],
    [{ status: 200, body: '' }, 'no cosignature of the checkpoint by its key'],
    [{ status: 200, body: '— witness.example/w1 AAAA\n' }, 'no cosignature of the checkpoint by its key'],
  ])('is %j a fault of the witness?', async (answering, message) => {
    witness.answering = answering;
    const fault = client().cosign(await submission(3));
    await expect(fault).rejects.toThrow(WitnessFault);
    await expect(fault).rejects.toThrow(message);
  });

  it('is a cosignature of another checkpoint, or by another key of its name, none?', async () => {
    const of = async (size: number, from: TestWitness): Promise<string> => {
      const { name, keyId, signature } = await new WitnessClient(
        { url: from.url, key: from.key },
        outbound({ publicOnly: false, allowInsecure: true }),
      ).cosign(await submission(size));
      return `— ${name} ${Buffer.concat([Buffer.from(keyId, 'hex'), signature]).toString('base64')}\n`;
    };
    const namesake = await startWitness();
    namesake.logs.set(ORIGIN, LOG);
    for (const body of [await of(2, witness), await of(3, namesake)]) {
      witness.answering = { status: 200, body };
      await expect(client().cosign(await submission(3))).rejects.toThrow('no cosignature');
    }
    await namesake.stop();
  });

  it('is it said that the witness does not know the log, or knows it by another key?', async () => {
    witness.logs.clear();
    await expect(client().cosign(await submission(3))).rejects.toThrow('it does not know the log');
    witness.logs.set(ORIGIN, verifierKey(ORIGIN, generateKeyPairSync('ed25519').publicKey));
    await expect(client().cosign(await submission(3))).rejects.toThrow('it knows the log by another key');
  });

  it('is a witness that changes its mind each time given up?', async () => {
    let size = 0;
    const moody = new WitnessClient({ url: witness.url, key: witness.key }, () =>
      Promise.resolve(new Response(`${(size += 1)}\n`, { status: 409 })),
    );
    await expect(moody.cosign(await submission(9))).rejects.toThrow('each time that it has another size');
  });

  it('is one that is not there a fault, in words of ours?', async () => {
    const gone = await startWitness();
    await gone.stop();
    const to = new WitnessClient(
      { url: gone.url, key: gone.key },
      outbound({ publicOnly: false, allowInsecure: true }),
    );
    await expect(to.cosign(await submission(3))).rejects.toThrow(/^ECONNREFUSED$/);
  });
});
