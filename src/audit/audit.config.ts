export const AUDIT_CONFIG = Symbol('audit');

/** What the log has of the configuration. */
export interface AuditConfig {
  /** Host, and port where it is not https', of PUBLIC_URL: what names of new logs begin with. */
  host: string;
}
