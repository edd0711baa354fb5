/**
 * Security-relevant events that reports hold: the index over evidence that stays whole. What happened at one instant is no interval: an event is kept once,
 * however often it is delivered.
 */
export const EVENT_CATEGORIES = [
  'exec',
  'secret-read',
  'rbac-change',
  'policy-change',
  'denied',
  'anonymous-access',
  'alert',
] as const;

/**
 * `exec`: a command, shell, port or proxy into a workload. `secret-read`: get, list or watch of Secrets. `rbac-change`: roles and bindings written.
 * `policy-change`: admission, network or security policy written. `denied`: authorisation or admission refused. `anonymous-access`: a request of nobody that was
 * let in. `alert`: an engine's own alarm (Falco).
 */
export type EventCategory = (typeof EVENT_CATEGORIES)[number];

export const EVENT_SEVERITIES = ['critical', 'high', 'medium', 'low', 'info', 'unknown'] as const;
export type EventSeverity = (typeof EVENT_SEVERITIES)[number];

export interface SecurityEvent {
  /** `kubernetes-audit`, `falco`. */
  source: string;
  /** What makes two deliveries one: `auditID/stage`, or a digest of the event itself. */
  id: string;
  /** RFC 3339 in UTC with milliseconds. */
  at: string;
  category: EventCategory;
  severity: EventSeverity;
  /** User or service account, or the process of an alert; "" where the event does not say. */
  actor: string;
  /** Verb of the request, or the rule of the alert. */
  action: string;
  /** `namespace/resource/name` or a container; "" where the event does not say. */
  resource: string;
  namespace: string | null;
  /** HTTP status of the answer; null where there is none. */
  statusCode: number | null;
  /** Source address as the event says it; "" where it does not. */
  sourceIp: string;
}
