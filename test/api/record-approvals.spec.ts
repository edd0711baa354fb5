import pg from 'pg';
import { In, MoreThan } from 'typeorm';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Database, type Tx } from '../../src/kernel/db/database.js';
import { newId } from '../../src/kernel/ids.js';
import { servicePrincipal, type Principal } from '../../src/kernel/principal.js';
import { IntervalStore } from '../../src/records/interval.store.js';
import { personOf } from '../../src/records/life.js';
import { RecordApproval, type Submitted } from '../../src/records/record-approval.js';
import { RecordEntity, RecordVersion } from '../../src/records/record.entity.js';
import { startApp, startClinic, type Clinic, type World } from '../support/app.js';
import { growthByClock } from '../support/growth.js';

let world: World;
let clinic: Clinic;

beforeAll(async () => {
  world = await startApp();
  clinic = await startClinic(world);
});
afterAll(() => world.stop());

describe('are many approved as one?', () => {
  // More than one batch, and not a whole number of them. Tried with 100,000 too.
  const MANY = Number(process.env['SAFEGUARD_TEST_APPROVALS'] ?? 2_500);
  const approval = () => world.app.get(RecordApproval, { strict: false });
  const intervals = () => world.app.get(IntervalStore, { strict: false });
  const database = () => world.app.get(Database, { strict: false });
  async function submitted(author: string, count = MANY): Promise<{ type: string; principal: Principal }> {
    const type = `t_${newId()}`;
    const prefix = newId().slice(0, 13);
    const server = new pg.Client({ connectionString: world.database.urls.server });
    await server.connect();
    try {
      await server.query(`select set_config('app.organization_id', $1, false)`, [clinic.organizationId]);
      await server.query(
        `insert into record
         select $1, ($2 || '-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid, $3, '', 1, 1, null, 1, now(), 'test'
         from generate_series(1, $4::integer) n`,
        [clinic.organizationId, prefix, type, count],
      );
      await server.query(
        `insert into record_version (organization_id, record_id, version, kind, state, type, type_version, title, owner_id, fields, system_ids,
           effective_from, good_from, natural_key, subject, subject_id, fails, about, links, documents, hands, created_at, created_by, submitted_at, submitted_by)
         select $1, id, 1, 'content', 'submitted', $2, 'test', '', 'test', '{"person": "somebody", "course": "Security awareness"}', '{}', now(), now(), '',
           id::text, id, false, '{}', '[{"kind": "practice", "target": "training", "note": ""}]', '[]', array[$3::uuid], now(), 'test', now(), 'test'
         from record where organization_id = $1 and type = $2`,
        [clinic.organizationId, type, author],
      );
    } finally {
      await server.end();
    }
    const principal = servicePrincipal(newId(), clinic.organizationId, 'many');
    return { type, principal: { ...principal, kind: 'user', issuer: 'https://idp.example', subject: 'approver' } };
  }

  /** As they lie in the database, some at a time. */
  async function* waiting(tx: Tx, type: string) {
    for (let after = '00000000-0000-0000-0000-000000000000'; ;) {
      const found = await tx.manager.find(RecordEntity, {
        where: { organizationId: tx.organizationId, type, id: MoreThan(after) },
        order: { id: 'ASC' },
        take: 700,
      });
      const versions = await tx.manager.findBy(RecordVersion, {
        organizationId: tx.organizationId,
        recordId: In(found.map(({ id }) => id)),
      });
      const open = new Map(versions.map((version) => [version.recordId, version]));
      for (const record of found) yield { record, open: open.get(record.id)! };
      const last = found.at(-1);
      if (last === undefined) return;
      after = last.id;
    }
  }

  const counts = async (principal: Principal, type: string) =>
    database().read(principal, async (tx) => {
      const [row] = await tx.query<Record<string, number>>(
        `select count(*)::int as approved,
           (select count(*)::int from record_interval i where i.organization_id = $1 and i.type = $2) as intervals,
           (select count(*)::int from audit_event e join record r on r.organization_id = $1 and r.id = e.object_id::uuid
            where e.organization_id = $1 and e.action = 'record.approved' and r.type = $2) as events,
           (select count(distinct known_from)::int from record_interval i where i.organization_id = $1 and i.type = $2) as instants
         from record_version v where v.organization_id = $1 and v.type = $2 and v.state = 'approved'`,
        [tx.organizationId, type],
      );
      return row;
    });

  it('all known from one instant, with an event each, in a time that grows with their number, and not with its square', async () => {
    const approve = async (count: number): Promise<void> => {
      const { type, principal } = await submitted(newId(), count);
      await database().write(principal, async (tx) =>
        approval().approve(tx, waiting(tx, type), await intervals().lockDecisions(tx)),
      );
      expect(await counts(principal, type)).toEqual({ approved: count, intervals: count, events: count, instants: 1 });
    };
    expect(await growthByClock(approve, MANY / 10, 10, 1)).toBeLessThan(50);
  }, 300_000);

  it('none where the last of them is of the approver’s own hands', async () => {
    const { type, principal } = await submitted(newId());
    async function* withOwn(tx: Tx) {
      let last: Submitted | undefined;
      for await (const one of waiting(tx, type)) {
        if (last !== undefined) yield last;
        last = one;
      }
      if (last === undefined) throw new Error('there are none');
      yield { ...last, open: { ...last.open, hands: [personOf(principal.issuer, principal.subject)] } };
    }
    await expect(
      database().write(principal, async (tx) =>
        approval().approve(tx, withOwn(tx), await intervals().lockDecisions(tx)),
      ),
    ).rejects.toMatchObject({ code: 'own-approval' });
    expect(await counts(principal, type)).toEqual({ approved: 0, intervals: 0, events: 0, instants: 0 });
  }, 300_000);
});
