import { reasonOf, type Outbound } from '../../kernel/http/outbound.js';
import { formatSize, parseSize, type Checkpoint } from '../checkpoint.js';
import { isSignedBy, parseSignatureLine, type NoteSignature, type VerifierKey } from '../note.js';

/*
 * A client of witnesses: C2SP tlog-witness, the call `add-checkpoint`. A witness keeps the last head of a log that it has seen and cosigns only what extends it, so its
 * answer tells whether the log that we have is the one that it has seen.
 */

export interface Witness {
  /** The submission prefix, without a slash at its end. */
  readonly url: string;
  /** By which it cosigns; of type `cosignature`. */
  readonly key: VerifierKey;
}

/** A checkpoint as it is submitted, and what proves to a witness that it extends what that has seen. */
export interface Submission {
  readonly checkpoint: Pick<Checkpoint, 'size'>;
  readonly note: Buffer;
  readonly consistencyProof: (from: number) => Promise<readonly Buffer[]>;
}

/** What the witness has seen is not what we have: it has a larger log, or another of the same size, or one that ours does not extend. */
export class WitnessDisagrees extends Error {
  override name = 'WitnessDisagrees';
}

/** There is no cosignature, for a reason that says nothing of the log. The message says which, in words of ours. */
export class WitnessFault extends Error {
  override name = 'WitnessFault';
}

/** One to learn what the witness has, one to prove that we extend it, and one more when somebody else has submitted meanwhile. */
const TRIES = 3;

export class WitnessClient {
  /** Size of the last checkpoint that it has cosigned for us, as far as this process knows. */
  private known = 0;

  constructor(
    readonly witness: Witness,
    private readonly call: Outbound,
  ) {}

  /** Its cosignature of the checkpoint, verified. Throws WitnessDisagrees or WitnessFault. */
  async cosign({ checkpoint, note, consistencyProof }: Submission): Promise<NoteSignature> {
    let old = Math.min(this.known, checkpoint.size);
    for (let tries = 0; tries < TRIES; tries += 1) {
      const proof = await consistencyProof(old);
      const lines = [`old ${formatSize(old)}`, ...proof.map((hash) => hash.toString('base64')), '', ''];
      const answer = await this.post(Buffer.concat([Buffer.from(lines.join('\n'), 'ascii'), note]));
      if (answer.status === 200) {
        const cosignature = this.cosignatureIn(await answer.text(), note);
        this.known = checkpoint.size;
        return cosignature;
      }
      if (answer.status === 422)
        throw new WitnessDisagrees('it has seen another log of that name, which ours does not extend');
      if (answer.status !== 409) throw new WitnessFault(REASONS[answer.status] ?? `it answered ${answer.status}`);
      const size = parseSize((await answer.text()).replace(/\n$/, ''));
      if (size === null) throw new WitnessFault('it answered 409 without the size that it has');
      if (size > checkpoint.size)
        throw new WitnessDisagrees(`it has seen the log with ${size} leaves, and ours has ${checkpoint.size}`);
      if (size === old) throw new WitnessDisagrees(`it has seen another log of that name with ${size} leaves`);
      old = size;
    }
    throw new WitnessFault('it says each time that it has another size');
  }

  private async post(body: Buffer): Promise<Response> {
    try {
      return await this.call(`${this.witness.url}/add-checkpoint`, {
        method: 'POST',
        headers: { 'content-type': 'text/plain; charset=utf-8' },
        body,
      });
    } catch (error) {
      throw new WitnessFault(reasonOf(error), { cause: error });
    }
  }

  /** Of the lines of an answer the one by its key; those by keys that we do not know say nothing. */
  private cosignatureIn(lines: string, note: Buffer): NoteSignature {
    const { key } = this.witness;
    const text = note.subarray(0, note.lastIndexOf('\n\n') + 1).toString('utf8');
    for (const line of lines.match(/[^\n]*\n/g) ?? []) {
      const signature = parseSignatureLine(line);
      const isIts = signature?.name === key.name && signature.keyId === key.keyId;
      if (isIts && isSignedBy(text, signature, key)) return signature;
    }
    throw new WitnessFault('its answer has no cosignature of the checkpoint by its key');
  }
}

const REASONS: Readonly<Record<number, string>> = {
  403: 'it knows the log by another key',
  404: 'it does not know the log: its operator adds the vkey of the anchor log',
};
