import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import type { RealCluster } from './api-server.js';
import { holds } from './holds.js';
import { succeeded } from './person.js';
import { run, SAFEGUARD } from './programs.js';

/** What `safeguard checks export` writes, to the API server whose language it is. */
export async function policiesHold({ call, directory }: RealCluster): Promise<void> {
  const folder = join(directory, 'policies');
  succeeded(await run(process.execPath, [SAFEGUARD, 'checks', 'export', '--dir', folder], process.env));
  const files = await readdir(folder);
  const refused: string[] = [];
  for (const file of files) {
    for (const document of parseAllDocuments(await readFile(join(folder, file), 'utf8'))) {
      const object = document.toJS() as { kind: string };
      const resource = object.kind === 'ValidatingAdmissionPolicy' ? 'policies' : 'policybindings';
      try {
        await call('POST', `/apis/admissionregistration.k8s.io/v1/validatingadmission${resource}?dryRun=All`, object);
      } catch (error) {
        refused.push(`${file}: ${String(error)}`);
      }
    }
  }
  await holds('every check that is exported is a policy, whose expressions Kubernetes compiles', () => {
    assert.ok(files.length > 50);
    assert.deepEqual(refused, []);
  });
}
