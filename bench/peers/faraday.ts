import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { CheckResult } from '../../src/scans/report.js';
import { OFFLINE, PeerFailure, printed, runChild } from './child.js';
import { installFromPyPi } from './install.js';
import type { Peer, PeerPass } from './peers.js';

const VERSION = '5.25.2';
const DATABASE = 'faraday';
/** Hosts of one import: some 10,000 results. */
const HOSTS = 500;

/** Beside the sources: Python is not compiled. Not named like the package, which it would hide. */
const SCRIPT = fileURLToPath(new URL('../../../bench/peers/import_hosts.py', import.meta.url));

const SEVERITIES: Readonly<Record<string, string>> = { medium: 'med', unknown: 'unclassified' };

/**
 * On the bench's own Postgres, by the function that its workers call, without HTTP: of 5.25.2 the queue without Celery loses what `bulk_create` is given (it writes
 * tuples of ten and reads them as twelve), and Celery wants a broker.
 */
export const faraday: Peer = {
  name: 'faradaysec',
  of: 'its bulk import into the same Postgres, called in its process: no HTTP',
  measure: async ({ directory, into, minutes, rows, bench }) => {
    const programs = await installFromPyPi(into, 'faradaysec', VERSION);
    const home = join(directory, 'faraday');
    for (const folder of ['config', 'logs', 'storage'])
      await mkdir(join(home, '.faraday', folder), { recursive: true });
    await bench.admin.query(`create database ${DATABASE}`);
    const url = bench.postgres.url(DATABASE, 'admin').replace(/^postgres:/, 'postgresql+psycopg2:');
    await writeFile(join(home, '.faraday', 'config', 'server.ini'), settings(url, home), { mode: 0o600 });
    const environment = { ...OFFLINE, FARADAY_HOME: home };
    await runChild(join(programs, 'faraday-manage'), ['create-tables'], { directory, minutes, environment });
    const hosts = join(directory, 'faraday.json');
    await writeFile(hosts, JSON.stringify(hostsOf(rows)));
    const { stdout, peakMemory } = await runChild(
      join(programs, 'python'),
      [SCRIPT, hosts, String(HOSTS), String((minutes * 60) / 3)],
      { directory, minutes, environment },
    );
    const passes = stdout
      .split('\n')
      .filter((line) => line.startsWith('{"pass"'))
      .map((line) => printed(line) as { pass: string; results: number; stored: number; seconds: number });
    const find = (name: string): PeerPass => {
      const found = passes.find(({ pass }) => pass === name);
      if (found === undefined) throw new PeerFailure(`it did not tell of ${name}`);
      if (found.stored !== found.results)
        throw new PeerFailure(`${found.results} were given, and ${found.stored} kept`);
      return { results: found.results, milliseconds: found.seconds * 1_000, peakMemory };
    };
    return { version: VERSION, first: find('first'), again: find('again') };
  },
};

const settings = (url: string, home: string): string => `[faraday_server]
port=5985
bind_address=127.0.0.1
secret_key=a-secret-of-the-benchmarks-and-of-nobody-else
agent_registration_secret=a-secret-of-the-benchmarks
celery_enabled=false
[database]
connection_string=${url}
[storage]
path=${join(home, '.faraday', 'storage')}
[logger]
use_rfc5424_formatter=false
[limiter]
enabled=false
`;

/** A host is a resource; its vulnerabilities are the results, those that pass closed. */
function hostsOf(rows: readonly CheckResult[]): object[] {
  const hosts = new Map<string, object[]>();
  for (const { check, resource, status, severity, message } of rows) {
    const vulnerability = {
      type: 'Vulnerability',
      name: check,
      desc: message,
      severity: SEVERITIES[severity] ?? severity,
      status: status === 'pass' ? 'closed' : 'open',
      refs: [],
      external_id: check,
    };
    const own = hosts.get(resource);
    if (own === undefined) hosts.set(resource, [vulnerability]);
    else own.push(vulnerability);
  }
  return [...hosts].map(([ip, vulnerabilities]) => ({ ip, description: '', vulnerabilities }));
}
