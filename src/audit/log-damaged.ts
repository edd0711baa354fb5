import { IntegrityError } from '../kernel/crypto/integrity-error.js';

/** A row of a log is gone, or is not what the log was made of. */
export class LogDamaged extends IntegrityError {}
