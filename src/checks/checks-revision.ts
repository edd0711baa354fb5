import { codeRevision } from '../kernel/code-revision.js';

/** Changes when the code that judges does: snapshots that were judged by another revision are judged again. What serves changes of checks judges nothing. */
export const CHECKS_REVISION = codeRevision(
  import.meta.url,
  ['./'],
  (file) => !/\.(module|controller|service|store|entity|schema|thread)\.js$/.test(file),
);
