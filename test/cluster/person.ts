import assert from 'node:assert/strict';
import type { RealCluster } from './api-server.js';
import { type Ended, run, SAFEGUARD } from './programs.js';
import type { Service } from './service.js';

/** A line of a shell as whoever enrols a cluster has it: the admin's token, `kubectl` with the cluster's context, and the service's authority. */
export const shell = (cluster: RealCluster, service: Service, line: string, more: object = {}): Promise<Ended> =>
  run('sh', ['-ec', line], person(cluster, service, more));

const person = (cluster: RealCluster, service: Service, more: object): NodeJS.ProcessEnv => ({
  PATH: process.env['PATH'],
  HOME: cluster.directory,
  KUBECONFIG: cluster.kubeconfig,
  CURL_CA_BUNDLE: service.authorityFile,
  NODE_EXTRA_CA_CERTS: service.authorityFile,
  XDG_CONFIG_HOME: '/nonexistent',
  SAFEGUARD_SERVER: service.url,
  SAFEGUARD_ORGANIZATION: service.organizationId,
  SAFEGUARD_TOKEN: service.adminToken,
  TOKEN: service.adminToken,
  ...more,
});

/** The command line as that person. */
export const safeguard = (
  cluster: RealCluster,
  service: Service,
  args: readonly string[],
  more: object = {},
): Promise<Ended> => run(process.execPath, [SAFEGUARD, ...args], person(cluster, service, more));

export const succeeded = (ended: Ended): void => assert.equal(ended.code, 0, ended.stdout + ended.stderr);
