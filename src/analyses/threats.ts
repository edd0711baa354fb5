import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseDocument } from 'yaml';
import { z } from 'zod';
import { CATALOG_DIRECTORY } from '../catalog/load.js';

export const THREAT_SOURCES = ['adversarial', 'accidental', 'structural', 'environmental'] as const;

export const Threat = z
  .strictObject({
    id: z.string().regex(/^[a-z][a-z0-9-]{2,63}$/),
    title: z.string().min(1).max(200),
    source: z.enum(THREAT_SOURCES).meta({ description: 'Kind of threat source (NIST SP 800-30 Rev. 1, table D-2).' }),
    event: z.string().min(1).max(1000).meta({ description: 'What happens.' }),
    vulnerabilities: z.array(z.string().min(1).max(300)).min(1).max(10).meta({ description: 'What it takes hold of.' }),
    practices: z.array(z.string()).max(20).meta({ description: 'Practices that stand against it.' }),
  })
  .meta({
    id: 'Threat',
    description: 'A threat to go through in a risk analysis: a start, and not the list of all.',
    examples: [
      {
        id: 'ransomware',
        title: 'Ransomware',
        source: 'adversarial',
        event: 'Data and backups are encrypted with the credentials of an administrator.',
        vulnerabilities: ['Backups that an administrator of the cluster can delete'],
        practices: ['restore-testing'],
      },
    ],
  });
export type Threat = z.infer<typeof Threat>;

const Threats = z.strictObject({ threats: z.array(Threat).min(1).max(200) });

/** catalog/risk/threats.yaml. Throws where it is not what it should be: the program does not start with half of it. */
export function readThreats(directory: string = CATALOG_DIRECTORY): readonly Threat[] {
  const path = join(directory, 'risk', 'threats.yaml');
  const document = parseDocument(readFileSync(path, 'utf8'), { strict: true, uniqueKeys: true });
  const [fault] = [...document.errors, ...document.warnings];
  if (fault !== undefined) throw new Error(`risk/threats.yaml: ${fault.message}`);
  const { threats } = Threats.parse(document.toJS({ maxAliasCount: 0 }));
  const ids = threats.map(({ id }) => id);
  if (new Set(ids).size !== ids.length) throw new Error('risk/threats.yaml: an id is there twice');
  return threats;
}
