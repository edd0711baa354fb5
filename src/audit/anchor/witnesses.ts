import { outbound } from '../../kernel/http/outbound.js';
import type { NoteSignature } from '../note.js';
import { WitnessClient, WitnessDisagrees, WitnessFault, type Submission, type Witness } from './witness.js';

/** Milliseconds that a witness has. */
const PATIENCE = 10_000;

export interface Cosigned {
  /** In the order of the configuration; of those that answered. */
  readonly cosignatures: readonly NoteSignature[];
  /** What the first that disagrees says; null where none does. */
  readonly disagreement: string | null;
  /** Of those that did not cosign and do not disagree, who and why. */
  readonly silent: readonly { readonly witness: string; readonly reason: string }[];
}

/** All witnesses of the configuration, asked at once: none waits for another, and none stands for another. */
export class Witnesses {
  private readonly clients: WitnessClient[];

  constructor(witnesses: readonly Witness[]) {
    // http as well: a cosignature is signed, and one that runs beside the service may have no certificate.
    const call = outbound({ publicOnly: false, allowInsecure: true, patience: PATIENCE });
    this.clients = witnesses.map((witness) => new WitnessClient(witness, call));
  }

  get count(): number {
    return this.clients.length;
  }

  /** Whether each of them is among the signers. */
  areAllIn(signatures: readonly NoteSignature[]): boolean {
    return this.clients.every(({ witness: { key } }) =>
      signatures.some(({ name, keyId }) => name === key.name && keyId === key.keyId),
    );
  }

  async cosign(submission: Submission): Promise<Cosigned> {
    const cosignatures: NoteSignature[] = [];
    const silent: Cosigned['silent'][number][] = [];
    let disagreement: string | null = null;
    const answers = await Promise.allSettled(this.clients.map((client) => client.cosign(submission)));
    for (const [at, answer] of answers.entries()) {
      const witness = this.clients[at]?.witness.key.name ?? '';
      if (answer.status === 'fulfilled') cosignatures.push(answer.value);
      else if (answer.reason instanceof WitnessDisagrees)
        disagreement ??= `the witness ${witness} says: ${answer.reason.message}`;
      else if (answer.reason instanceof WitnessFault) silent.push({ witness, reason: answer.reason.message });
      else throw answer.reason;
    }
    return { cosignatures, disagreement, silent };
  }
}
