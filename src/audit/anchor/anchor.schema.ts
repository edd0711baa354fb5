import { z } from 'zod';
import { operation } from '../../kernel/http/endpoint.js';
import { organizationParams } from '../../kernel/http/parameters.js';

const ANCHOR = 'evidence.example.com/anchor';
const LOG = 'evidence.example.com/log/019ab1c2-7a10-7bd3-9c55-0f6f2b7d8a00';
const ROOT = 'CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=';
const SIGNATURE = 'Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=';
const note = (origin: string, size: number): string => `${origin}\n${size}\n${ROOT}\n\n— ${origin} ${SIGNATURE}\n`;
const VKEY = `${ANCHOR}+03bde0ae+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k`;

const AnchorView = z
  .object({
    logCheckpoint: z.string().meta({ description: 'The signed head of this log that is a leaf of the anchor log.' }),
    proof: z.string().meta({
      description: 'That it is: a C2SP tlog-proof, with the head of the anchor log at its end.',
    }),
    checkpoint: z.string().meta({
      description:
        'The signed head of the anchor log, with the cosignatures of witnesses: as much as each of them says of when.',
    }),
    timeStamp: z.string().nullable().meta({
      description: 'RFC 3161 time stamp of all bytes of `checkpoint`, Base64; null where this head has none.',
    }),
    policy: z.string().meta({ description: 'Who signs and who cosigns: a C2SP tlog-policy.' }),
    keys: z
      .object({
        anchor: z.string().meta({ description: 'By which the anchor log verifies.' }),
        witnesses: z.array(z.string()).meta({ description: 'By which the cosignatures do.' }),
      })
      .meta({
        description: 'Public keys as vkeys (C2SP signed-note). Compare them with what you were told another way.',
      }),
  })
  .meta({
    id: 'LogAnchor',
    description: 'What shows a log’s head to be under a head that others have seen.',
    examples: [
      {
        logCheckpoint: note(LOG, 42),
        proof: `c2sp.org/tlog-proof@v1\nindex 0\n\n${note(ANCHOR, 1)}`,
        checkpoint: note(ANCHOR, 1),
        timeStamp: null,
        policy: `log ${VKEY}\nquorum none\n`,
        keys: { anchor: VKEY, witnesses: [] },
      },
    ],
  });

export const getLogAnchor = operation({
  id: 'getLogAnchor',
  method: 'GET',
  path: '/v1/organizations/:organizationId/log/anchor',
  tag: 'Audit',
  summary: 'What others have seen of the log',
  description:
    'Heads of all logs are leaves of one more log, the anchor log, whose head is shown to witnesses, time-stamped and copied, as the operator has set it. Here is the last head of this log that is in it, with what proves that.',
  permission: 'audit:read',
  params: organizationParams,
  answers: { 200: { description: 'The anchors of the log.', schema: AnchorView } },
});
