import type pg from 'pg';
import type { SecurityEvent } from '../../src/events/event.js';
import { eventId } from '../../src/events/staged-event.js';
import { newId } from '../../src/kernel/ids.js';
import { factId, targetId } from '../../src/results/series.js';
import { valueDigest, type StagedFact } from '../../src/results/staged-fact.js';

interface Of {
  organizationId: string;
  systemId: string;
}

export interface HeldFact extends StagedFact {
  from: Date;
  knownFrom: Date;
  to: Date | null;
  endedKnown: Date | null;
  knownTo: Date | null;
}

const LONG_AGO = new Date('2026-01-01T00:00:00Z');

/** A fact as a merge would have left it, of a target that is there: said with superuser's rights. Gives its series. */
export async function holdFact(admin: pg.Client, of: Of, said: Partial<HeldFact>): Promise<string> {
  const fact = {
    targetId: targetId('cluster', 'cluster'),
    source: 'planted',
    kind: 'volume-snapshot-class',
    subject: 'planted',
    namespace: null,
    value: { driver: 'planted', deletionPolicy: null },
    from: LONG_AGO,
    knownFrom: LONG_AGO,
    to: null,
    endedKnown: null,
    knownTo: null,
    ...said,
  } as const;
  const series = factId(fact.targetId, fact.source, fact.kind, fact.subject);
  await admin.query(
    `insert into fact (organization_id, system_id, series, observed_from, known_from, observed_to, ended_known, known_to, target_id,
                       scan_id, source, kind, subject, namespace, value, value_digest)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)`,
    [
      of.organizationId,
      of.systemId,
      series,
      fact.from,
      fact.knownFrom,
      fact.to,
      fact.endedKnown,
      fact.knownTo,
      fact.targetId,
      newId(),
      fact.source,
      fact.kind,
      fact.subject,
      fact.namespace,
      JSON.stringify(fact.value),
      valueDigest(fact.value),
    ],
  );
  return series;
}

/** An event as a scan would have left it. */
export async function holdEvent(
  admin: pg.Client,
  of: Of,
  said: Partial<SecurityEvent>,
  knownAt: Date = LONG_AGO,
): Promise<void> {
  const event: SecurityEvent = {
    source: 'planted',
    id: 'planted',
    at: LONG_AGO.toISOString(),
    category: 'exec',
    severity: 'medium',
    actor: 'somebody',
    action: 'create',
    resource: 'emr/pods/portal/exec',
    namespace: 'emr',
    statusCode: 101,
    sourceIp: '10.0.0.1',
    ...said,
  };
  await admin.query(
    `insert into event (organization_id, system_id, at, id, source, native_id, category, severity, actor, action, resource, namespace,
                        status_code, source_ip, scan_id, evidence_id, known_at)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)`,
    [
      of.organizationId,
      of.systemId,
      event.at,
      eventId(event),
      event.source,
      event.id,
      event.category,
      event.severity,
      event.actor,
      event.action,
      event.resource,
      event.namespace,
      event.statusCode,
      event.sourceIp,
      newId(),
      newId(),
      knownAt,
    ],
  );
}
