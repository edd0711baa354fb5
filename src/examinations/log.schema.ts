import { getLogAnchor } from '../audit/anchor/anchor.schema.js';
import {
  getEventProof,
  getLog,
  getLogCheckpoint,
  getLogTile,
  proveConsistency,
  proveInclusion,
} from '../audit/log.schema.js';
import { engagementId, engagementParams, engagements } from '../engagements/engagement.schema.js';
import { operation } from '../kernel/http/endpoint.js';

/*
 * The organisation's log, for an auditor who was let in, with the answers that members get. It has no scope: a log of which leaves are left out proves nothing, and a leaf
 * names ids alone.
 */

const log = `${engagements}/:engagementId/log`;
const FOR_AUDITORS = { tag: 'Engagements', permission: 'engagements:examine' } as const;

export const getEngagementLog = operation({
  ...getLog,
  ...FOR_AUDITORS,
  id: 'getEngagementLog',
  path: log,
  summary: 'The log’s last signed head, for the auditor',
  description: 'See getLog. All of the log is there, whatever the scope and the period of the engagement.',
  params: engagementParams,
});

export const getEngagementLogCheckpoint = operation({
  ...getLogCheckpoint,
  ...FOR_AUDITORS,
  id: 'getEngagementLogCheckpoint',
  path: `${log}/checkpoint`,
  summary: 'The log’s checkpoint, for the auditor',
  description:
    'C2SP tlog-checkpoint. The address up to `log/` is a prefix that programs which follow logs can be told (C2SP tlog-tiles). Each read is an event, so that the log has grown when it is read again.',
  params: engagementParams,
});

export const getEngagementLogTile = operation({
  ...getLogTile,
  ...FOR_AUDITORS,
  id: 'getEngagementLogTile',
  path: `${log}/tile/*tile`,
  summary: 'A tile or an entry bundle of the log, for the auditor',
  description: 'C2SP tlog-tiles; see getLogTile.',
  params: getLogTile.params.extend({ engagementId }),
});

export const proveEngagementInclusion = operation({
  ...proveInclusion,
  ...FOR_AUDITORS,
  id: 'proveEngagementInclusion',
  path: `${log}/proof/inclusion`,
  summary: 'Prove to the auditor that an event is in the log',
  description: 'See proveInclusion.',
  params: engagementParams,
});

export const proveEngagementConsistency = operation({
  ...proveConsistency,
  ...FOR_AUDITORS,
  id: 'proveEngagementConsistency',
  path: `${log}/proof/consistency`,
  summary: 'Prove to the auditor that the log was only added to',
  description: 'For who has kept a head, of a package or of `checkpoint`; see proveConsistency.',
  params: engagementParams,
});

export const getEngagementEventProof = operation({
  ...getEventProof,
  ...FOR_AUDITORS,
  id: 'getEngagementEventProof',
  path: `${log}/events/:eventId/proof`,
  summary: 'A file that proves to the auditor that an event is in the log',
  description: 'C2SP tlog-proof; see getEventProof. `proof/inclusion` has the leaf.',
  params: getEventProof.params.extend({ engagementId }),
});

export const getEngagementLogAnchor = operation({
  ...getLogAnchor,
  ...FOR_AUDITORS,
  id: 'getEngagementLogAnchor',
  path: `${log}/anchor`,
  summary: 'What others have seen of the log, for the auditor',
  description: 'See getLogAnchor.',
  params: engagementParams,
});
