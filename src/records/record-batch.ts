import type { EffectiveFilter } from './effective.js';
import type { Candidate, Neighbour } from './rules.js';

/**
 * Versions that are checked together, in one transaction: what they all ask is asked once, and each sees the others as neighbours where they are to be approved
 * together.
 */
export class Batch {
  private readonly answers = new Map<string, Promise<unknown>>();
  private readonly peers: ReadonlyMap<string, Candidate>;

  /** `peers`: what is to be approved together, each record once. */
  constructor(peers: readonly Candidate[] = []) {
    this.peers = new Map(peers.map((peer) => [peer.id, peer]));
  }

  /** What was answered to the same question before. */
  once<Answer>(question: string, ask: () => Promise<Answer>): Promise<Answer> {
    let answer = this.answers.get(question) as Promise<Answer> | undefined;
    if (answer === undefined) this.answers.set(question, (answer = ask()));
    return answer;
  }

  /** The neighbours as they are when all peers are approved: `found` as far as no peer stands over it, and the peers that the filter means. */
  withPeers(filter: EffectiveFilter, found: readonly Neighbour[]): Neighbour[] {
    if (this.peers.size === 0) return [...found];
    const standing = found.flatMap((one): Neighbour[] => {
      const peer = this.peers.get(one.id);
      if (peer === undefined) return [one];
      if (peer.effectiveFrom <= one.effectiveFrom) return [];
      const isSooner = one.effectiveTo === null || one.effectiveTo > peer.effectiveFrom;
      return [{ ...one, effectiveTo: isSooner ? peer.effectiveFrom : one.effectiveTo }];
    });
    const meant = [...this.peers.values()].filter((peer) => peer.kind === 'content' && isMeant(filter, peer));
    return [
      ...standing,
      ...meant.map((peer) => ({ ...peer, decidedAt: peer.effectiveFrom, disposed: false, effectiveTo: null })),
    ];
  }
}

/** Whether a filter means a record: as the store asks it (`conditionsOf`). */
function isMeant({ types, systemId, keys, subjects, ids, linkedTo }: EffectiveFilter, record: Candidate): boolean {
  return (
    types.includes(record.type) &&
    (systemId === undefined || record.systemIds.includes(systemId)) &&
    (keys === undefined || (record.naturalKey !== '' && keys.includes(record.naturalKey))) &&
    (subjects === undefined || (record.subject !== null && subjects.includes(record.subject))) &&
    (ids === undefined || ids.includes(record.id)) &&
    (linkedTo === undefined ||
      record.links.some(({ kind, target }) => kind === linkedTo.kind && target === linkedTo.target))
  );
}
