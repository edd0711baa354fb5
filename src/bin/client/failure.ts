/** What the process says to scripts. A published contract: codes are never renumbered. */
export const exitCode = {
  ok: 0,
  /** The server (or a file, or a check of ours) refused. */
  refused: 1,
  /** The command line itself is wrong; nothing was sent. */
  usage: 2,
  /** The posture has a status that `--fail-on` named. */
  posture: 3,
  /** The server or the identity provider could not be reached, retries included. */
  unreachable: 4,
} as const;
export type ExitCode = (typeof exitCode)[keyof typeof exitCode];

export const exitCodes: readonly (readonly [ExitCode, string])[] = [
  [exitCode.ok, 'done'],
  [exitCode.refused, 'refused or failed'],
  [exitCode.usage, 'the command line is wrong'],
  [exitCode.posture, 'the posture has a status that --fail-on named'],
  [exitCode.unreachable, 'the server could not be reached, retries included'],
];

/** An end that the person at the terminal can understand: what happened and what to do next. Printed without a stack. */
export class Failure extends Error {
  constructor(
    readonly exit: ExitCode,
    message: string,
    readonly next?: string,
  ) {
    super(message);
  }
}

/** Something that may pass when tried again: a cut connection, a busy server. */
export class Transient extends Error {
  constructor(
    message: string,
    /** Milliseconds that the server asked us to wait (`Retry-After`). */
    readonly after?: number,
    readonly next?: string,
    /** It may be what was sent that does not get through, and nothing else: a proxy between bounds its size or its time. */
    readonly ofUpload = false,
  ) {
    super(message);
  }
}
