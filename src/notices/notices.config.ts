/** What the room needs of the configuration; src/app.module.ts provides it under NOTICES_CONFIG. */
export interface NoticesConfig {
  /** Hosts that webhooks may name though their addresses are private. */
  readonly privateHosts: ReadonlySet<string>;
}

export const NOTICES_CONFIG = Symbol('notices config');
