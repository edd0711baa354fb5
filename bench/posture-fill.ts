import type pg from 'pg';
import { APPROVED_INTERVALS } from '../src/records/interval.sql.js';
import type { BenchSystem } from './system.js';

/** Systems of one statement. */
const BATCH = 20;

/** What each system keeps of its own; the rest of its share are trainings, which are the organisation's. */
const OWN_RECORDS = 19;
/** A vendor and its agreement for so many systems. */
const SYSTEMS_OF_VENDOR = 5;

const listed = (ids: readonly string[]): string => ids.map((id) => `'${id}'`).join(',');

/** All that is filled became known at once, before anything that is posted after it. */
const KNOWN = `(select max(known_at) from coverage where organization_id = $1)`;

interface Filled {
  id: string;
  type: string;
  natural_key: string;
  subject: string;
  fields: string;
  system_ids: string;
  /** Days ago. */
  age: string;
  about: string;
}

/**
 * Fills an organisation. Systems are registered by the program, and have copies of what a few have that real reports were posted to: their results, coverage, and what is remembered of them; records are made
 * by the statement that approvals use. Each copy is told from its template by its ids alone, so what was remembered of the one is so of the other; the bench holds
 * copies against the evaluation.
 */
export class PostureFill {
  private systems = 0;
  private trainings = 0;
  private vendors = 0;

  constructor(
    private readonly admin: pg.Client,
    private readonly organizationId: string,
    private readonly templates: readonly BenchSystem[],
    private readonly register: (name: string) => Promise<string>,
    private readonly controls: readonly string[],
    private readonly practices: readonly string[],
  ) {}

  /** What belongs to the templates, and policies for every item. */
  async begin(): Promise<void> {
    await this.admin.query('set session_replication_role = replica');
    // Ids of the form that the product makes (RFC 9562 section 5.8).
    await this.admin.query(
      `create function pg_temp.id(text) returns uuid language sql immutable as
       $$ select overlay(overlay(md5($1) placing '8' from 13) placing '8' from 17)::uuid $$`,
    );
    const templates = `unnest(array['${this.templates.map(({ id }) => id).join("','")}']::uuid[])`;
    await this.addOwnRecords(`(select s.id from ${templates} s(id)) s`);
    await this.addRecords(`unnest(array['${this.controls.join("','")}']) c(id)`, {
      id: `pg_temp.id('policy ' || c.id)`,
      type: `'policy'`,
      natural_key: `'Policy of ' || c.id`,
      subject: 'null::text',
      fields: `jsonb_build_object('name', 'Policy of ' || c.id, 'kind', 'policy', 'reviewedOn', '2026-01-12')`,
      system_ids: `'{}'::uuid[]`,
      age: '(hashtext(c.id) & 255)',
      about: 'array[c.id]',
    });
  }

  /** So many systems in all, and so many records for each of them. */
  async grow(count: number, recordsEach: number, told: (done: number) => void): Promise<void> {
    while (this.systems + this.templates.length < count) {
      const batch = Math.min(BATCH, count - this.templates.length - this.systems);
      const ids: string[] = [];
      for (let number = this.systems + 1; number <= this.systems + batch; number += 1) {
        ids.push(await this.register(`system-${String(number).padStart(5, '0')}`));
      }
      // Each with its template.
      const copies = `(select c.id, ${this.systems} + c.n as k, (array[${listed(this.templates.map(({ id }) => id))}]::uuid[])[1 + c.n % ${this.templates.length}] as template
                       from unnest(array[${listed(ids)}]::uuid[]) with ordinality c(id, n)) s`;
      for (const table of ['target', 'coverage']) {
        await this.copy(table, copies, 'r.system_id = s.template', { system_id: 's.id' });
      }
      await this.copy('result', copies, 'r.system_id = s.template', {
        system_id: 's.id',
        series: `(left(r.series::text, 8) || substr(pg_temp.id(r.series::text || s.k)::text, 9))::uuid`,
      });
      await this.addOwnRecords(copies);
      await this.copy('posture_timeline', copies, 'r.place_id = s.template', { place_id: 's.id' });
      this.systems += batch;
      told(this.systems + this.templates.length);
    }
    await this.addTrainings((recordsEach - OWN_RECORDS) * count);
    await this.addVendors(Math.ceil(count / SYSTEMS_OF_VENDOR));
  }

  async settle(): Promise<void> {
    for (const table of [
      'system_version',
      'target',
      'coverage',
      'result',
      'record',
      'record_version',
      'record_interval',
      'posture_timeline',
    ]) {
      await this.admin.query(`vacuum (analyze) ${table}`);
    }
    await this.admin.query('checkpoint');
  }

  async count(table: 'result' | 'record'): Promise<number> {
    const { rows } = await this.admin.query<{ count: number }>(`select count(*)::int as count from ${table}`);
    return rows[0]?.count ?? 0;
  }

  /** How many of the templates are remembered with all that was filled. */
  async remembered(): Promise<boolean> {
    const { rows } = await this.admin.query<{ all: boolean }>(
      `select count(*) = $3 as all from posture_timeline h
       where organization_id = $1 and place_id = any ($2::uuid[])
         and results_upto = (select max(known_at) from coverage c where c.organization_id = $1 and c.system_id = h.place_id)
         and records_upto = ${KNOWN}`,
      [this.organizationId, this.templates.map(({ id }) => id), this.templates.length],
    );
    return rows[0]?.all === true;
  }

  /** Of each system: how a part of fourteen practices is done, two keys, an objective and two restore tests of it. */
  private async addOwnRecords(each: string): Promise<void> {
    const ofSystem = 'array[s.id]';
    const practices = `unnest(array['${this.practices.join("','")}']) with ordinality p(id, n)`;
    await this.addRecords(`${each} cross join ${practices}`, {
      id: `pg_temp.id('statement ' || s.id || p.id)`,
      type: `'implementation_statement'`,
      natural_key: `''`,
      subject: 'null::text',
      fields: `jsonb_build_object('practice', p.id, 'how', 'A mesh in strict mode.', 'where', 'istio-system', 'verifiedOn', '2026-01-01', 'verifiedBy', 'T', 'result', 'in_place')`,
      system_ids: ofSystem,
      age: '(30 * p.n)::int',
      about: 'array[p.id]',
    });
    await this.addRecords(`${each} cross join generate_series(1, 2) n`, {
      id: `pg_temp.id('key ' || s.id || n)`,
      type: `'key'`,
      natural_key: `'key ' || n || ' of ' || s.id`,
      subject: 'null::text',
      fields: `jsonb_build_object('name', 'key ' || n, 'purpose', 'etcd-kms', 'custodian', s.id, 'provider', 'aws-kms', 'keyId', 'alias/' || n,
                                  'createdOn', to_char(now() - n * interval '150 days', 'YYYY-MM-DD'), 'policyDays', 365, 'rotateAfterIncident', true)`,
      system_ids: ofSystem,
      age: '150 * n',
      about: `'{}'::text[]`,
    });
    await this.addRecords(each, {
      id: `pg_temp.id('objective ' || s.id)`,
      type: `'recovery_objective'`,
      natural_key: `'objective of ' || s.id`,
      subject: 'null::text',
      fields: `'{"scope": "system", "rtoMinutes": 240, "rpoMinutes": 1440, "criticality": "high"}'::jsonb`,
      system_ids: ofSystem,
      age: '300',
      about: `'{}'::text[]`,
    });
    await this.addRecords(`${each} cross join generate_series(1, 2) n`, {
      id: `pg_temp.id('restore ' || s.id || n)`,
      type: `'restore_test'`,
      natural_key: `''`,
      subject: `pg_temp.id('objective ' || s.id)::text`,
      fields: `jsonb_build_object('backup', 'emr-daily', 'startedAt', now() - n * interval '70 days', 'completedAt', now() - n * interval '70 days' + interval '1 hour',
                                  'result', 'passed', 'measuredRtoMinutes', 60, 'measuredRpoMinutes', 600, 'objective', pg_temp.id('objective ' || s.id))`,
      system_ids: ofSystem,
      age: '70 * n',
      about: `'{}'::text[]`,
    });
  }

  private async addTrainings(count: number): Promise<void> {
    await this.addRecords(`generate_series(${this.trainings + 1}, ${count}) n`, {
      id: `pg_temp.id('training ' || n)`,
      type: `'training_record'`,
      natural_key: `''`,
      subject: `'person ' || n`,
      fields: `jsonb_build_object('person', 'person ' || n, 'course', 'Security awareness', 'completedOn', '2026-01-01', 'result', 'passed')`,
      system_ids: `'{}'::uuid[]`,
      age: 'n % 400',
      about: `'{}'::text[]`,
    });
    this.trainings = count;
  }

  private async addVendors(count: number): Promise<void> {
    const vendors = `generate_series(${this.vendors + 1}, ${count}) n`;
    const common = { subject: 'null::text', system_ids: `'{}'::uuid[]`, age: '300 + n % 60', about: `'{}'::text[]` };
    await this.addRecords(vendors, {
      ...common,
      id: `pg_temp.id('vendor ' || n)`,
      type: `'vendor'`,
      natural_key: `'vendor ' || n`,
      fields: `jsonb_build_object('name', 'vendor ' || n, 'role', 'business_associate', 'ephi', true, 'services', 'Images')`,
    });
    await this.addRecords(vendors, {
      ...common,
      id: `pg_temp.id('baa ' || n)`,
      type: `'baa'`,
      natural_key: `''`,
      subject: `pg_temp.id('vendor ' || n)::text`,
      fields: `jsonb_build_object('vendor', pg_temp.id('vendor ' || n), 'signedOn', '2025-01-01', 'renewal', 'none', 'incidentNoticeHours', 24,
                                  'returnOrDestroy', 'destroy', 'terms', '[]'::jsonb)`,
    });
    this.vendors = count;
  }

  /** Approved records, one for each row of `each`, and their intervals. */
  private async addRecords(each: string, record: Filled): Promise<void> {
    const from = `date_trunc('day', now()) - (${record.age}) * interval '1 day'`;
    const { rows } = await this.admin.query<{ id: string }>(
      `with made as (
         select ${record.id} as id, ${record.type} as type, ${record.natural_key} as natural_key, ${record.subject} as subject, ${record.fields} as fields,
                ${record.system_ids} as system_ids, ${from} as since, ${record.about} as about
         from ${each}
       ), records as (
         insert into record (organization_id, id, type, natural_key, revision, last_version, approved_version, open_version, created_at, created_by)
         select $1, id, type, natural_key, 3, 1, 1, null, since, 'bench' from made
       ), versions as (
         insert into record_version (organization_id, record_id, version, kind, state, type, type_version, title, owner_id, fields, system_ids, effective_from,
                                     good_from, natural_key, subject, subject_id, fails, about, links, documents, hands, created_at, created_by,
                                     submitted_at, decided_at, decided_by, decided_person)
         select $1, id, 1, 'content', 'approved', type, 'bench', type, 'bench', fields, system_ids, since, since, natural_key, subject,
                pg_temp.id(type || subject), false, about, '[]', '[]', array[pg_temp.id('writer')], since, 'bench', since, ${KNOWN}, 'bench', pg_temp.id('approver')
         from made
       )
       select id from made`,
      [this.organizationId],
    );
    const ids = rows.map(({ id }) => id);
    const { rows: known } = await this.admin.query<{ at: Date }>(`select ${KNOWN} as at`, [this.organizationId]);
    await this.admin.query(APPROVED_INTERVALS, [this.organizationId, known[0]?.at, ids, ids.map(() => 1)]);
  }

  private async copy(table: string, each: string, where: string, replaced: Record<string, string>): Promise<void> {
    const { rows } = await this.admin.query<{ name: string }>(
      `select attname::text as name from pg_attribute where attrelid = $1::regclass and attnum > 0 and not attisdropped and attgenerated = '' order by attnum`,
      [table],
    );
    const columns = rows.map(({ name }) => name);
    await this.admin.query(
      `insert into ${table} (${columns.join(', ')})
       select ${columns.map((column) => replaced[column] ?? `r.${column}`).join(', ')} from ${table} r cross join ${each} where ${where}`,
    );
  }
}
