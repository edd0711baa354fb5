import { Injectable } from '@nestjs/common';
import type { Tx, WriteTx } from '../kernel/db/database.js';
import type { Instant } from '../kernel/http/instant.js';
import { Scan, type ScanStatus } from './scan.entity.js';

/** Both ends are in it. */
export interface Period {
  from: Date;
  to: Date;
}

export interface ScanFilter {
  status?: ScanStatus | undefined;
  format?: string | undefined;
  /** Only those that saw an instant of it, or, where they were never read, came in it. */
  period?: Period | undefined;
  /** Sort key of the last scan of the page before: newest first by receipt. */
  before: readonly [receivedAt: string, id: string] | null;
  limit: number;
}

/** Of a scan that a later one may repeat. */
export type EarlierScan = Pick<Scan, 'id' | 'observedAt' | 'counts'>;

/** A cluster that reports said they are of. */
export interface ReportedCluster {
  uid: string;
  name: string | null;
  lastSeen: Date;
}

/** Stored scans that were known at an instant, of observations up to another. */
export interface KnownScans {
  instant: Instant;
  /** Those that saw nothing from here on are left out, */
  since: Date;
  /** but for these. */
  also: readonly string[];
}

export interface ScanPage {
  after: string | null;
  limit: number;
}

/** Of which evidence a scan is, and of which system. */
export type ScanOfEvidence = Pick<Scan, 'id' | 'systemId' | 'evidenceId' | 'observedAt' | 'receivedAt'>;

export type SystemOfEvidence = Pick<Scan, 'evidenceId' | 'systemId'>;

@Injectable()
export class ScansStore {
  /** False when the same bytes with the same declaration are a scan already; waits for a transaction that is about to make them one. */
  insertOnce(tx: WriteTx, scan: Scan): Promise<boolean> {
    return tx.insertUnlessThere({ entity: Scan, row: scan });
  }

  async update(tx: WriteTx, systemId: string, id: string, change: Partial<Scan>): Promise<void> {
    const updated = await tx.update(Scan, { organizationId: tx.organizationId, systemId, id }, change);
    if (!updated) throw new Error('the scan to finish is not there');
  }

  find(tx: Tx, systemId: string, id: string): Promise<Scan | null> {
    return tx.manager.findOneBy(Scan, { organizationId: tx.organizationId, systemId, id });
  }

  /** Of a scan that waits in the queue: locked, so that two workers do not do it twice. */
  findForUpdate(tx: WriteTx, systemId: string, id: string): Promise<Scan | null> {
    return tx.manager.findOne(Scan, {
      where: { organizationId: tx.organizationId, systemId, id },
      lock: { mode: 'pessimistic_write' },
    });
  }

  /** The scan that these bytes with this declaration already are: stored or waiting. */
  findTwin(tx: Tx, systemId: string, evidenceId: string, declaredDigest: Buffer): Promise<Scan | null> {
    return tx.manager
      .createQueryBuilder(Scan, 's')
      .where('s.organization_id = :organizationId and s.system_id = :systemId', {
        organizationId: tx.organizationId,
        systemId,
      })
      .andWhere('s.evidence_id = :evidenceId and s.declared_digest = :declaredDigest', { evidenceId, declaredDigest })
      .andWhere(`s.status <> 'refused'`)
      .getOne();
  }

  /** Whether these bytes with this declaration were refused. */
  wasRefused(tx: Tx, systemId: string, evidenceId: string, declaredDigest: Buffer): Promise<boolean> {
    return tx.manager.existsBy(Scan, {
      organizationId: tx.organizationId,
      systemId,
      evidenceId,
      declaredDigest,
      status: 'refused',
    });
  }

  /** The latest stored scan of the same bytes, read in the same way, by the instant of its observation. */
  findLatestReading(tx: Tx, systemId: string, evidenceId: string, readingDigest: Buffer): Promise<Scan | null> {
    return tx.manager
      .createQueryBuilder(Scan, 's')
      .where('s.organization_id = :organizationId and s.system_id = :systemId', {
        organizationId: tx.organizationId,
        systemId,
      })
      .andWhere(`s.evidence_id = :evidenceId and s.reading_digest = :readingDigest and s.status = 'stored'`, {
        evidenceId,
        readingDigest,
      })
      .orderBy('s.observed_at', 'DESC')
      .limit(1)
      .getOne();
  }

  /** The latest stored scan that said the same, by the instant of its observation. */
  async findLatestSame(tx: Tx, systemId: string, rowsDigest: Buffer): Promise<EarlierScan | null> {
    const [row] = await tx.query<EarlierScan>(
      `select id, observed_at as "observedAt", counts from scan
       where organization_id = $1 and system_id = $2 and rows_digest = $3
       order by observed_at desc limit 1`,
      [tx.organizationId, systemId, rowsDigest],
    );
    return row ?? null;
  }

  /** The uid that the latest scan to tell one told, and the name that the latest of this tool gave: tools name one cluster differently. */
  async findLastCluster(tx: Tx, systemId: string, tool: string): Promise<{ uid: string | null; name: string | null }> {
    const [row] = await tx.query<{ uid: string | null; name: string | null }>(
      `select (select cluster_uid from scan where organization_id = $1 and system_id = $2 and cluster_uid is not null
               order by observed_at desc limit 1) as uid,
              (select cluster_name from scan
               where organization_id = $1 and system_id = $2 and tool = $3 and cluster_name is not null
               order by observed_at desc limit 1) as name`,
      [tx.organizationId, systemId, tool],
    );
    return row ?? { uid: null, name: null };
  }

  /** Clusters that reports of the system told they are of, by the instants of these reports; the latest first. `since`: no older reports. */
  clusters(tx: Tx, systemId: string, { asOf, knownAt }: Instant, since: Date): Promise<ReportedCluster[]> {
    return tx.query<ReportedCluster>(
      `select cluster_uid as uid, (array_agg(cluster_name order by observed_at desc) filter (where cluster_name is not null))[1] as name,
              max(observed_at) as "lastSeen"
       from scan
       where organization_id = $1 and system_id = $2 and cluster_uid is not null and status = 'stored'
         and observed_at > $3 and observed_at <= $4 and known_at <= $5
       group by cluster_uid
       order by max(observed_at) desc, cluster_uid
       limit 20`,
      [tx.organizationId, systemId, since, asOf, knownAt],
    );
  }

  list(tx: Tx, systemId: string, filter: ScanFilter): Promise<Scan[]> {
    const query = tx.manager
      .createQueryBuilder(Scan, 's')
      .where('s.organization_id = :organizationId and s.system_id = :systemId', {
        organizationId: tx.organizationId,
        systemId,
      });
    if (filter.status !== undefined) query.andWhere('s.status = :status', { status: filter.status });
    if (filter.format !== undefined) query.andWhere('s.format = :format', { format: filter.format });
    if (filter.period !== undefined) {
      query.andWhere('coalesce(s.observed_at, s.received_at) between :from and :to', { ...filter.period });
    }
    if (filter.before !== null) {
      const [receivedAt, id] = filter.before;
      query.andWhere('(s.received_at, s.id) < (:receivedAt, :id)', { receivedAt, id });
    }
    return query.orderBy('s.received_at', 'DESC').addOrderBy('s.id', 'DESC').limit(filter.limit).getMany();
  }

  ofEvidence(tx: Tx, evidenceIds: readonly string[], scanIds: readonly string[], limit: number): Promise<Scan[]> {
    const query = tx.manager
      .createQueryBuilder(Scan, 's')
      .where('s.organization_id = :organizationId', { organizationId: tx.organizationId })
      .andWhere('s.evidence_id = any (:evidenceIds)', { evidenceIds })
      .andWhere('s.id = any (:scanIds)', { scanIds });
    return query.orderBy('s.received_at', 'DESC').addOrderBy('s.id', 'DESC').limit(limit).getMany();
  }

  /** Those of the evidence that are reports of scans of the systems (null: of all) which saw an instant of the period, or, where they were never read, came in it. */
  async evidenceOfPeriod(
    tx: Tx,
    evidenceIds: readonly string[],
    systemIds: readonly string[] | null,
    { from, to }: Period,
  ): Promise<string[]> {
    const rows = await tx.query<{ id: string }>(
      `select distinct evidence_id as id from scan
       where organization_id = $1 and evidence_id = any ($2::uuid[]) and ($3::uuid[] is null or system_id = any ($3))
         and coalesce(observed_at, received_at) between $4 and $5`,
      [tx.organizationId, evidenceIds, systemIds, from, to],
    );
    return rows.map(({ id }) => id);
  }

  idsOfEvidence(tx: Tx, evidenceIds: readonly string[]): Promise<ScanOfEvidence[]> {
    return tx.query<ScanOfEvidence>(
      `select id, system_id as "systemId", evidence_id as "evidenceId", observed_at as "observedAt", received_at as "receivedAt" from scan
       where organization_id = $1 and evidence_id = any ($2::uuid[])`,
      [tx.organizationId, evidenceIds],
    );
  }

  /** Of which systems each of the evidence is a report; `knownAt`: of scans whose results were known then, null: of all. */
  systemsOfEvidence(tx: Tx, evidenceIds: readonly string[], knownAt: Date | null): Promise<SystemOfEvidence[]> {
    return tx.query<SystemOfEvidence>(
      `select distinct evidence_id as "evidenceId", system_id as "systemId" from scan
       where organization_id = $1 and evidence_id = any ($2::uuid[]) and ($3::timestamptz is null or known_at <= $3)`,
      [tx.organizationId, evidenceIds, knownAt],
    );
  }

  /** Scans whose results were known at an instant, of observations up to another; oldest first, after a known scan. */
  async known(tx: Tx, systemId: string, { instant, since, also }: KnownScans, page: ScanPage): Promise<Scan[]> {
    const query = tx.manager
      .createQueryBuilder(Scan, 's')
      .where('s.organization_id = :organizationId and s.system_id = :systemId', {
        organizationId: tx.organizationId,
        systemId,
      })
      .andWhere(`s.status = 'stored' and s.observed_at <= :asOf and s.known_at <= :knownAt`, {
        asOf: instant.asOf,
        knownAt: instant.knownAt,
      })
      .andWhere('(s.observed_at >= :since or s.id = any(:also))', { since, also });
    if (page.after !== null) query.andWhere('s.id > :after', { after: page.after });
    return query.orderBy('s.id').limit(page.limit).getMany();
  }
}
