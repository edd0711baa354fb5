import { z } from 'zod';
import { operation } from '../kernel/http/endpoint.js';
import { organizationId, organizationParams } from '../kernel/http/parameters.js';

const ORIGIN = 'evidence.example.com/log/019ab1c2-7a10-7bd3-9c55-0f6f2b7d8a00';
const ROOT = 'CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=';
const NOTE = `${ORIGIN}\n42\n${ROOT}\n\n— ${ORIGIN} Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n`;

const hash = z.string().meta({ description: 'SHA-256, Base64.' });
const size = z.number().int().meta({ description: 'Leaves of the tree.' });
const sizeQuery = (description: string) =>
  z.coerce.number().int().min(0).max(Number.MAX_SAFE_INTEGER).optional().meta({ description });

const LogView = z
  .object({
    origin: z
      .string()
      .meta({ description: 'The name of the log: the first line of its heads, and the name of its key.' }),
    size,
    root: hash,
    signedAt: z.iso.datetime().meta({ description: 'When the head was signed, by our clock, UTC.' }),
    refused: z
      .object({
        origin: z.string().meta({ description: 'Of which log: this one, or the anchor log, which stands for all.' }),
        foundBy: z.enum(['here', 'outside']).meta({
          description: '`here`: its rows are not what it has signed. `outside`: it is not what was kept of it outside.',
        }),
        reason: z.string(),
        since: z.iso.datetime().meta({ description: 'When that was found, UTC.' }),
      })
      .nullable()
      .meta({
        description:
          'Why no head is signed any more: this one is the last that was, and what came after it is not shown. An operator is needed. Null where heads are signed.',
      }),
    checkpoint: z.string().meta({ description: 'The signed head: a C2SP checkpoint.' }),
    keys: z
      .object({
        checkpoint: z.array(z.string()).meta({ description: 'By which heads verify.' }),
        receipt: z.array(z.string()).meta({ description: 'By which receipts verify.' }),
      })
      .meta({
        description:
          'Public keys as vkeys (C2SP signed-note), the present one first. Compare them with what you were told another way: whoever has changed the log can change this answer.',
      }),
  })
  .meta({
    id: 'Log',
    description: 'The last signed head of an organisation’s log.',
    examples: [
      {
        origin: ORIGIN,
        size: 42,
        root: ROOT,
        signedAt: '2026-11-23T09:05:10.000Z',
        refused: null,
        checkpoint: NOTE,
        keys: {
          checkpoint: [`${ORIGIN}+03bde0ae+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k`],
          receipt: [`${ORIGIN}/receipt+1f2e3d4c+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k`],
        },
      },
    ],
  });

export const getLog = operation({
  id: 'getLog',
  method: 'GET',
  path: '/v1/organizations/:organizationId/log',
  tag: 'Audit',
  summary: 'The log’s last signed head',
  description:
    'Every audit event is a leaf of the organisation’s Merkle tree (RFC 6962), whose heads are signed. What is read here is for people; programs that follow logs read `checkpoint` and `tile`.',
  permission: 'audit:read',
  params: organizationParams,
  answers: { 200: { description: 'The head, and the keys that it verifies by.', schema: LogView } },
});

export const getLogCheckpoint = operation({
  id: 'getLogCheckpoint',
  method: 'GET',
  path: '/v1/organizations/:organizationId/log/checkpoint',
  tag: 'Audit',
  summary: 'The log’s checkpoint',
  description:
    'C2SP tlog-checkpoint, as programs that follow logs read it: the address up to `log/` is the prefix of the log (C2SP tlog-tiles). A head is signed some seconds after events, and at most every five.',
  permission: 'audit:read',
  params: organizationParams,
  answers: {
    200: {
      description: 'The last signed head.',
      binary: { mediaTypes: ['text/plain'], description: 'A signed note.' },
      headers: { 'Cache-Control': 'For five seconds, by the reader alone.' },
    },
  },
  refusals: ['log-refused'],
});

export const getLogTile = operation({
  id: 'getLogTile',
  method: 'GET',
  path: '/v1/organizations/:organizationId/log/tile/*tile',
  tag: 'Audit',
  summary: 'A tile or an entry bundle of the log',
  description:
    'C2SP tlog-tiles: `tile/<L>/<N>` has 256 hashes of the tree, `tile/entries/<N>` the 256 leaves themselves (each after its length, of two bytes), `.p/<W>` after either the first W of them. ' +
    '<N> has groups of three digits, all but the last with an x before them: `x001/x234/067`. There is what the last checkpoint speaks of, and no more.',
  permission: 'audit:read',
  params: z.object({
    organizationId,
    tile: z
      .string()
      .max(60)
      .meta({
        description: 'Level or `entries`, index and, of a part, its width.',
        examples: ['0/000.p/1', 'entries/x001/234'],
      }),
  }),
  answers: {
    200: {
      description: 'The tile. It never changes.',
      binary: { mediaTypes: ['application/octet-stream'], description: 'Hashes of 32 bytes, or leaves.' },
      headers: { 'Cache-Control': 'Immutable; by the reader alone.' },
    },
  },
});

const InclusionView = z
  .object({
    eventId: z.uuid(),
    leaf: z.string().meta({ description: 'The exact text of the event, as it is hashed.' }),
    leafHash: hash.meta({ description: 'SHA-256 over a zero byte and the leaf, Base64.' }),
    index: z.number().int(),
    size,
    root: hash.meta({ description: 'Root of the tree of that size, Base64.' }),
    proof: z.array(hash).meta({ description: 'PATH of RFC 6962 section 2.1.1: from the leaf’s sibling up.' }),
  })
  .meta({
    id: 'InclusionProof',
    description: 'That an event is in the log.',
    examples: [
      {
        eventId: '019ab1c2-7a10-7bd3-9c55-0f6f2b7d8a01',
        leaf: '{"action":"system.created"}',
        leafHash: 'bjQLnP+zepicpUTmu3gKLHiQHT+zNzh2hRGjBhevoB0=',
        index: 1,
        size: 2,
        root: ROOT,
        proof: ['lqKW0iTyhcZ77pPDD4owkVfwNdL2irs5wcX5zhGFkZw='],
      },
    ],
  });

export const proveInclusion = operation({
  id: 'proveInclusion',
  method: 'GET',
  path: '/v1/organizations/:organizationId/log/proof/inclusion',
  tag: 'Audit',
  summary: 'Prove that an event is in the log',
  description: 'For people and scripts; `events/{eventId}/proof` gives the same as a file that stands alone.',
  permission: 'audit:read',
  params: organizationParams,
  query: z.strictObject({
    event: z.uuid().meta({ description: 'Id of the audit event.' }),
    size: sizeQuery('Of the tree of this size; default: of the last signed head.'),
  }),
  answers: { 200: { description: 'The proof.', schema: InclusionView } },
});

const Tree = z.object({ size, root: hash });

export const proveConsistency = operation({
  id: 'proveConsistency',
  method: 'GET',
  path: '/v1/organizations/:organizationId/log/proof/consistency',
  tag: 'Audit',
  summary: 'Prove that the log was only added to',
  description: 'That a tree has all leaves of an earlier one, in their places: for whoever has kept a head.',
  permission: 'audit:read',
  params: organizationParams,
  query: z.strictObject({
    from: z.coerce
      .number()
      .int()
      .min(0)
      .max(Number.MAX_SAFE_INTEGER)
      .meta({ description: 'Size of the earlier tree.', examples: [1] }),
    to: sizeQuery('Size of the later one; default: that of the last signed head.'),
  }),
  answers: {
    200: {
      description: 'The proof.',
      schema: z
        .object({
          from: Tree,
          to: Tree,
          proof: z.array(hash).meta({ description: 'PROOF of RFC 6962 section 2.1.2. Of an empty tree: none.' }),
        })
        .meta({
          id: 'ConsistencyProof',
          description: 'That a later tree extends an earlier one.',
          examples: [
            {
              from: { size: 1, root: 'bjQLnP+zepicpUTmu3gKLHiQHT+zNzh2hRGjBhevoB0=' },
              to: { size: 2, root: ROOT },
              proof: ['lqKW0iTyhcZ77pPDD4owkVfwNdL2irs5wcX5zhGFkZw='],
            },
          ],
        }),
    },
  },
});

export const getEventProof = operation({
  id: 'getEventProof',
  method: 'GET',
  path: '/v1/organizations/:organizationId/log/events/:eventId/proof',
  tag: 'Audit',
  summary: 'A file that proves that an event is in the log',
  description:
    'C2SP tlog-proof: index, hashes and the signed head. With the event’s leaf (in the list of audit events) and the log’s key it proves itself, without this service.',
  permission: 'audit:read',
  params: z.object({ organizationId, eventId: z.uuid().meta({ description: 'The audit event.' }) }),
  answers: {
    200: { description: 'The proof.', binary: { mediaTypes: ['text/plain'], description: 'A `.tlog-proof` file.' } },
  },
});
