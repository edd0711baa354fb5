import { codeRevision } from '../kernel/code-revision.js';

/** Everything between a report's bytes and its rows, as it runs. */
const READERS = [
  './formats/',
  './text/',
  './signing-trust.js',
  './stage.js',
  '../checks/cluster.js',
  '../checks/kinds.js',
  '../checks/secret-text.js',
  '../results/copy.js',
  '../results/fact.js',
  '../results/series.js',
  '../results/staged-fact.js',
  '../events/staged-event.js',
  '../kernel/crypto/canonical-json.js',
  '../kernel/db/copy-rows.js',
  '../kernel/ids.js',
];

/** Changes when a reader does: bytes that were read by another revision are read again. */
export const READER_REVISION = codeRevision(import.meta.url, READERS);
