/** Why a credential was not taken: for the operator's log, never for the caller, to whom each would be a hint. */
export type DenialReason =
  | 'no-credential'
  | 'malformed'
  | 'too-large'
  | 'unknown-issuer'
  | 'algorithm'
  | 'critical-header'
  | 'type'
  | 'signature'
  | 'unknown-key'
  | 'keys-unavailable'
  | 'audience'
  | 'expired'
  | 'not-yet-valid'
  | 'issued-in-future'
  | 'too-long-lived'
  | 'claims'
  | 'sender-constrained'
  | 'inactive'
  | 'no-trust'
  | 'session-ended';

/** A credential that is not taken. The guard logs the reason and answers one and the same 401. */
export class Denied extends Error {
  constructor(readonly reason: DenialReason) {
    super(reason);
    this.name = 'Denied';
  }
}
