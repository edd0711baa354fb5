import { z } from 'zod';
import { hash } from 'node:crypto';
import { detailsDigest, type Leaf } from '../audit/event.js';
import { isToldOf } from '../audit/told.js';
import { HASH_SIZE, leafHash } from '../audit/merkle.js';
import { canonicalJson, type JsonValue } from '../kernel/crypto/canonical-json.js';
import { Fault } from './fault.js';
import type { WholeLog } from './log.js';
import type { PackageFiles } from './package-files.js';
import type { PackageIndex } from './package-index.js';
import { jsonOf, linesOf } from './read.js';
import { ToldRegister } from './register.js';
import { DueScans } from './scans.js';
import { StoredEvents } from './stored-events.js';

export const EVENTS = 'bag/data/audit/events.jsonl';

const lineShape = z.object({
  leaf: z.string(),
  details: z.json(),
  salt: z.stringFormat('hex', /^([0-9a-f]{2})+$/).nullable(),
});

/** What the package shows of the events, found to be theirs. */
export interface ShownEvents {
  text: string;
  /** Whether these are the details that are shown with that entry of the log; null: that none are. */
  hasDetails(index: number, details: JsonValue): boolean;
  readonly scans: DueScans;
  /** What they say of each scan that was stored. */
  readonly stored: StoredEvents;
  readonly register: ToldRegister;
  /** Evidence that they say is a posture which the service has frozen. */
  readonly frozen: ReadonlySet<string>;
  /** Of one of these events the details were erased. */
  readonly isFrozenErased: boolean;
  /** By the SHA-256 of each: keys that agents were trusted with. */
  readonly agentKeys: ReadonlySet<string>;
  /** Of an event that trusts an agent the details were erased. */
  readonly isTrustErased: boolean;
}

/**
 * The events that the package shows are those of the log, up to the instant of knowledge: each is an entry, none of the entries was left out, and details are those
 * that the event was recorded with.
 */
export async function checkEvents(files: PackageFiles, log: WholeLog, packed: PackageIndex): Promise<ShownEvents> {
  const { knownAt } = packed;
  const from = Date.parse(packed.period.from);
  const scans = new DueScans(packed);
  const stored = new StoredEvents();
  const register = new ToldRegister(packed, log);
  const frozen = new Set<string>();
  const agentKeys = new Set<string>();
  let [isFrozenErased, isTrustErased] = [false, false];
  const shown = new Uint8Array(log.size);
  // Digests: details may have megabytes. Zeroes where there are none.
  const detailsOf = Buffer.alloc(log.size * HASH_SIZE);
  let lines = 0;
  let withDetails = 0;
  let erased = 0;
  for await (const bytes of linesOf(files, EVENTS)) {
    lines += 1;
    const at = `${EVENTS}, line ${lines}`;
    const { leaf, details, salt } = jsonOf(lineShape, bytes, at);
    const index = log.leaves.find(leafHash(Buffer.from(leaf, 'utf8')));
    if (index === null) throw new Fault(`${at}: the log has no such entry`);
    if (shown[index] === 1) throw new Fault(`${at}: entry ${index} of the log is there twice`);
    shown[index] = 1;
    if (salt === null && details !== null) throw new Fault(`${at}: details without their salt`);
    // An entry of the log that has been read as an event.
    const event = JSON.parse(leaf) as Leaf;
    const { id, action, object, details_sha256: expected, time } = event;
    register.add(event, index, details);
    if (action === 'scan.stored') {
      scans.add(object.id, details);
      stored.add(object.id, index, time, details);
    }
    if (salt === null) {
      if (action === 'posture.frozen' && log.erased.has(id)) isFrozenErased = true;
      if (action === 'agent.trusted' && log.erased.has(id)) isTrustErased = true;
      // In a package about one system they may be of another: the event does not say.
      const isTold =
        packed.scope.systemId === null && expected !== null && isToldOf(object.kind, log.times[index] ?? NaN, from);
      if (isTold && log.erased.has(id)) erased += 1;
      else if (isTold)
        throw new Fault(`${at}: its details are not there, and the log does not say that they were erased`);
      continue;
    }
    withDetails += 1;
    if (detailsDigest(Buffer.from(salt, 'hex'), details) !== expected) {
      throw new Fault(`${at}: the details are not those that the event was recorded with`);
    }
    digestOf(details).copy(detailsOf, index * HASH_SIZE);
    if (action === 'posture.frozen') for (const id of evidenceOf(details)) frozen.add(id);
    if (action === 'agent.trusted') for (const key of keysOf(details)) agentKeys.add(key);
  }
  const until = Date.parse(knownAt);
  for (let index = 0; index < log.size; index += 1) {
    const isDue = (log.times[index] ?? NaN) <= until;
    if (isDue && shown[index] === 0) throw new Fault(`${EVENTS} leaves out entry ${index} of the log`);
    if (!isDue && shown[index] === 1) throw new Fault(`${EVENTS} has entry ${index} of the log, which is of later`);
  }
  return {
    text: `${lines} audit events are the entries of the log until ${knownAt}; ${withDetails} have their details${erased === 0 ? '' : `; those of ${erased} were erased, as the log says`}`,
    hasDetails: (index, details) =>
      detailsOf.subarray(index * HASH_SIZE, (index + 1) * HASH_SIZE).equals(digestOf(details)),
    scans,
    stored,
    register,
    frozen,
    isFrozenErased,
    agentKeys,
    isTrustErased,
  };
}

const keysOf = (details: JsonValue): string[] =>
  z.object({ signingKeys: z.array(z.string()) }).safeParse(details).data?.signingKeys ?? [];

const evidenceOf = (details: JsonValue): string[] => {
  const { data } = z.object({ evidence: z.string() }).safeParse(details);
  return data === undefined ? [] : [data.evidence];
};

const digestOf = (details: JsonValue): Buffer =>
  details === null ? Buffer.alloc(HASH_SIZE) : hash('sha256', canonicalJson(details), 'buffer');

/**
 * What the package holds of each evidence is what the log says that was received, and what it says was disposed of or can no longer be read was found so: whoever exchanges a stored
 * file and its row cannot exchange the entry.
 */
export function checkReceived({ evidence, faults }: PackageIndex, log: WholeLog): string {
  const unfound = faults.find(({ evidenceId }) => !log.corrupt.has(evidenceId));
  if (unfound !== undefined) {
    throw new Fault(`the log does not say that evidence ${unfound.evidenceId} can no longer be read`);
  }
  for (const { evidenceId, sha256, disposedAt } of evidence) {
    const received = log.received.get(evidenceId);
    if (received === undefined) throw new Fault(`the log does not say that evidence ${evidenceId} was received`);
    if (received !== sha256) {
      throw new Fault(`evidence ${evidenceId} is not what the log says was received, SHA-256 ${received}`);
    }
    if (disposedAt !== null && !log.disposedEvidence.has(evidenceId)) {
      throw new Fault(`the log does not say that evidence ${evidenceId} was disposed of`);
    }
  }
  return `${evidence.length} evidence have the digest that the log has of them since they were received`;
}
