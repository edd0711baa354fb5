// What `npm run test:cluster` runs: the product against a real Kubernetes API server, as its guides have it set up. Says each thing that holds, and ends with 1 at the first that does not.
import { startRealCluster } from './api-server.js';
import { auditWebhookHolds } from './audit-webhook.js';
import { enrolmentHolds, threeLinesHold } from './enrolment.js';
import { policiesHold } from './policies.js';
import { startService } from './service.js';
import { snapshotHolds } from './snapshot.js';
import { refusalsHold, revocationHolds, tokensHold } from './tokens.js';

const began = performance.now();
const cluster = await startRealCluster();
try {
  const service = await startService(cluster.authorityFile);
  try {
    console.log('\nEnrolment in one command, its issuer trusted by discovery');
    await enrolmentHolds(cluster, service);
    console.log('\nWhat the agent collects');
    await snapshotHolds(cluster);
    console.log('\nWhat is exported');
    await policiesHold(cluster);
    console.log('\nWhose tokens are taken');
    await refusalsHold(cluster, service, await tokensHold(cluster, service, 'emr-production'));
    console.log('\nEnrolment in three lines, its issuer’s keys pinned');
    await threeLinesHold(cluster, service);
    await tokensHold(cluster, service, 'emr-recovery');
    await revocationHolds(cluster, service);
    console.log('\nThe audit webhook');
    await auditWebhookHolds(cluster, service);
  } catch (error) {
    console.error(`The service’s log ends so:\n${service.log()}`);
    throw error;
  } finally {
    await service.stop();
  }
  console.log(`\nAll of it holds against a real API server (${Math.round((performance.now() - began) / 1_000)} s).`);
} finally {
  await cluster.stop();
}
