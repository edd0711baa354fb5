/*
 * Names of logs (C2SP tlog-checkpoint: a URL without a scheme). Pure. A log that was continued under a new origin, after a backup was restored, has the number of its
 * generation at the end: the second is the first that has one.
 */

/** Of an organisation's log. `host` is that of PUBLIC_URL, with its port where it has one. */
export const logOrigin = (host: string, organizationId: string, generation: number): string =>
  generationOf(`${host}/log/${organizationId}`, generation);

/** Of the log of heads that outside parties witness. */
export const anchorOrigin = (host: string, generation: number): string => generationOf(`${host}/anchor`, generation);

const generationOf = (origin: string, generation: number): string =>
  generation === 1 ? origin : `${origin}/${generation}`;
