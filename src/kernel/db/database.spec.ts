import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import pg from 'pg';
import { pino } from 'pino';
import type { DataSource } from 'typeorm';
import { createTestDatabase, type TestDatabase } from '../../../test/support/postgres.js';
import { SystemVersion } from '../../organizations/system.entity.js';
import { newId } from '../ids.js';
import { servicePrincipal, type Principal } from '../principal.js';
import { openDataSource } from './data-source.js';
import { besideEachOther, Database, type Tx, type WriteTx } from './database.js';

let testDatabase: TestDatabase;
let source: DataSource;
let database: Database;
let admin: pg.Client;
const told: string[] = [];
beforeAll(async () => {
  testDatabase = await createTestDatabase();
  // One connection: whatever a transaction leaves behind, the next one finds.
  source = await openDataSource(testDatabase.urls.server, { max: 1, statementTimeout: 10_000 });
  database = new Database(source, pino({ base: null }, { write: (line: string) => void told.push(line) }));
  admin = new pg.Client({ connectionString: testDatabase.urls.admin });
  await admin.connect();
});
afterAll(async () => {
  await source.destroy();
  await admin.end();
  await testDatabase.drop();
});

const clinicOf = (organizationId: string): Principal => servicePrincipal('test', organizationId, 'test');
let mine: Principal;
let theirs: Principal;
let systems: Map<Principal, string>;
beforeEach(async () => {
  [mine, theirs] = [clinicOf(newId()), clinicOf(newId())];
  systems = new Map();
  for (const { organizationId } of [mine, theirs]) {
    await admin.query(`insert into organization values ($1, 'clinic', '{}', 1, now(), now())`, [organizationId]);
  }
  for (const principal of [mine, theirs]) {
    const id = newId();
    systems.set(principal, id);
    await admin.query(
      `insert into system values ($1, $2::uuid, $2::text, 'production', 'stores', '{}', 1, now(), now(), null)`,
      [principal.organizationId, id],
    );
  }
});

const versionOf = (principal: Principal, version: number): SystemVersion => ({
  organizationId: principal.organizationId ?? '',
  systemId: systems.get(principal) ?? '',
  version,
  name: 'n',
  environment: 'production',
  phi: 'stores',
  phiNamespaces: [],
  recordedAt: new Date(),
  retiredAt: null,
});
const write = <T>(principal: Principal, work: (tx: WriteTx) => Promise<T>): Promise<T> =>
  database.write(principal, (tx) => {
    tx.withoutAudit('a test of the database alone');
    return work(tx);
  });
const add = (principal: Principal, of: Principal, version: number) =>
  write(principal, (tx) => tx.insert({ entity: SystemVersion, row: versionOf(of, version) }));
const versions = (principal: Principal) =>
  database.read(principal, async (tx) => {
    const rows = await tx.query<{ version: number }>('select version from system_version order by version');
    return rows.map(({ version }) => version);
  });

describe('does a connection that served one organisation', () => {
  it('add a row to it for another, by a statement that it has prepared?', async () => {
    await add(mine, mine, 1);
    await expect(add(theirs, mine, 2)).rejects.toMatchObject({ code: '42501' });
    await add(theirs, theirs, 3);
    expect([await versions(mine), await versions(theirs)]).toEqual([[1], [3]]);
  });

  it('change a row of it for another?', async () => {
    const rename = (principal: Principal, of: Principal) =>
      write(principal, (tx) => {
        const { organizationId, systemId, version } = versionOf(of, 1);
        return tx.update(SystemVersion, { organizationId, systemId, version }, { name: 'renamed' });
      });
    await add(mine, mine, 1);
    await expect(rename(theirs, mine)).rejects.toThrow();
  });

  it('serve a transaction that is over?', async () => {
    let over = null as Tx | null;
    await database.read(mine, (tx) => Promise.resolve((over = tx)));
    const shown = await database.read(theirs, async () => {
      // The pool has one connection: it is the other's now.
      return over?.query('select * from organization').catch((error: unknown) => (error as Error).name);
    });
    expect(shown).toBe('QueryRunnerAlreadyReleasedError');
  });

  it('leave its settings outside of transactions?', async () => {
    await versions(mine);
    const [row] = await source.query<object[]>(
      `select nullif(current_setting('app.organization_id', true), '') as organization, nullif(current_setting('app.subject', true), '') as subject`,
    );
    expect(row).toEqual({ organization: null, subject: null });
  });
});

describe('is a transaction that failed', () => {
  it('one that its caller is told of, though the error was caught within?', async () => {
    const caught = write(mine, async (tx) => {
      await tx.insert({ entity: SystemVersion, row: versionOf(mine, 1) });
      await tx.query('select 1 / 0').catch(() => undefined);
    });
    await expect(caught).rejects.toThrow('nothing of it was kept');
    expect(await versions(mine)).toEqual([]);
  });

  it('off its connection, wherever it failed?', async () => {
    const unspeakable: Principal = { ...mine, subject: 'a\0b' };
    await expect(versions(unspeakable)).rejects.toThrow();
    await expect(write(mine, (tx) => tx.query('select 1 / 0'))).rejects.toMatchObject({ code: '22012' });
    await expect(add(mine, mine, -1).then(() => add(mine, mine, -1))).rejects.toMatchObject({
      constraint: 'system_version_pk',
    });
    await add(mine, mine, 2);
    expect(await versions(mine)).toEqual([-1, 2]);
    const { rows } = await admin.query(
      `select from pg_stat_activity where datname = current_database() and usename = 'safeguard_server' and xact_start is not null`,
    );
    expect(rows).toEqual([]);
  });
});

it('are two that wait for each other faults of what was asked?', async () => {
  const two = await openDataSource(testDatabase.urls.server, { max: 2, statementTimeout: 10_000 });
  try {
    const met = Promise.withResolvers<null>();
    let holding = 0;
    const hold = (first: number, second: number) =>
      new Database(two, pino({ enabled: false })).write(mine, async (tx) => {
        tx.withoutAudit('locks alone');
        await tx.query('select pg_advisory_xact_lock($1)', [first]);
        if (++holding === 2) met.resolve(null);
        await met.promise;
        await tx.query('select pg_advisory_xact_lock($1)', [second]);
      });
    const outcomes = await Promise.allSettled([hold(1, 2), hold(2, 1)]);
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    const refused = outcomes.find((outcome) => outcome.status === 'rejected');
    expect(refused?.reason).toMatchObject({ code: 'unavailable', status: 503 });
  } finally {
    await two.destroy();
  }
});

describe('is what comes after a transaction', () => {
  const done: string[] = [];
  beforeEach(() => {
    done.length = 0;
    told.length = 0;
  });
  /** All that may come after one, of which every second fails. */
  const leave = (tx: WriteTx): void => {
    tx.afterEnd(() => Promise.reject(Object.assign(new Error('nobody is told'), { code: 'E1' })));
    tx.afterEnd(() => Promise.resolve(void done.push('at its end')));
    tx.afterCommit(() => {
      throw new RangeError('nobody is told');
    });
    tx.afterCommit(() => void done.push('when it was kept'));
  };
  const reasons = () => told.map((line) => (JSON.parse(line) as { reason: string }).reason);
  /** A connection goes back, and whoever gives it back is told that it did not. */
  const failing = (): void => {
    const make = source.createQueryRunner.bind(source);
    vi.spyOn(source, 'createQueryRunner').mockImplementationOnce(() => {
      const runner = make();
      const release = runner.release.bind(runner);
      vi.spyOn(runner, 'release').mockImplementationOnce(async () => {
        await release();
        throw new TypeError('nobody is told');
      });
      return runner;
    });
  };

  it('done, and logged where it fails, and is what was written told as written?', async () => {
    failing();
    const written = write(mine, async (tx) => {
      leave(tx);
      await tx.insert({ entity: SystemVersion, row: versionOf(mine, 1) });
      return 'written';
    });
    expect(await written).toBe('written');
    expect(await versions(mine)).toEqual([1]);
    expect(done).toEqual(['at its end', 'when it was kept']);
    expect(reasons()).toEqual(['TypeError', 'E1', 'RangeError']);
    expect(told.join()).not.toContain('nobody is told');
  });

  it('done where it failed, which is told for what it is?', async () => {
    failing();
    const failed = write(mine, async (tx) => {
      leave(tx);
      await tx.query('select 1 / 0');
    });
    await expect(failed).rejects.toMatchObject({ code: '22012' });
    expect(done).toEqual(['at its end']);
    expect(reasons()).toEqual(['TypeError', 'E1']);
  });
});

describe('is what was asked once', () => {
  const asked = async (tx: Tx): Promise<number> => {
    let times = 0;
    const ask = () => tx.once('how often', () => Promise.resolve(++times));
    await ask();
    return ask();
  };

  it('asked again in a snapshot, which would answer the same?', async () => {
    expect(await database.readSnapshot(mine, asked)).toBe(1);
  });

  it('remembered elsewhere, where another may have changed it?', async () => {
    expect(await database.read(mine, asked)).toBe(2);
    expect(await write(mine, asked)).toBe(2);
  });

  it('kept for another transaction?', async () => {
    const first = () => database.readSnapshot(mine, (tx) => tx.once('who', () => Promise.resolve(tx)));
    expect(await first()).not.toBe(await first());
  });

  it('kept without end, by whoever asks of one instant after another?', async () => {
    await database.readSnapshot(mine, async (tx) => {
      for (let at = 0; at < 100; at += 1) {
        await tx.once('always', () => Promise.resolve('kept'));
        await tx.once(`${at}`, () => Promise.resolve(at));
      }
      expect(await tx.once('always', () => Promise.resolve('asked again'))).toBe('kept');
      expect(await tx.once('0', () => Promise.resolve('asked again'))).toBe('asked again');
    });
  });
});

describe('does Postgres take a statement for a long one', () => {
  it('and start workers, or compile it?', async () => {
    const [settings] = await database.read(mine, (tx) =>
      tx.query(`select current_setting('max_parallel_workers_per_gather') as workers, current_setting('jit') as jit`),
    );
    expect(settings).toEqual({ workers: '0', jit: 'off' });
  });
});

describe('are two lines of questions of one transaction over', () => {
  it('before the one has ended, where the other has failed?', async () => {
    const { promise: slow, resolve } = Promise.withResolvers<null>();
    let isOver = false;
    const both = database.read(mine, (tx) => {
      const fails = tx.query('select 1 / 0');
      const asks = slow.then(() => tx.query('select 1').catch(() => []));
      return besideEachOther(fails, asks).finally(() => (isOver = true));
    });
    const told = expect(both).rejects.toThrow('division by zero');
    // Another connection's answer comes after that failure.
    await admin.query('select 1');
    expect(isOver).toBe(false);
    resolve(null);
    await told;
    expect(await database.read(mine, (tx) => tx.query('select 1 as one'))).toEqual([{ one: 1 }]);
  });

  it('with what failed first, and not with what follows from it?', async () => {
    const both = database.read(mine, async (tx) => {
      const fails = tx.query('select 1 / 0');
      return besideEachOther(tx.query('select 1'), fails);
    });
    await expect(both).rejects.toThrow('division by zero');
  });
});

it('do statements that are asked at once take turns, also after one that failed?', async () => {
  await database.read(mine, async (tx) => {
    await tx.query('savepoint before');
    const sent = vi.spyOn(await tx.client(), 'query');
    /** How many had been sent when it had its answer. */
    const answered = (): number => sent.mock.calls.length;
    const asked = ['select 1', 'select 1 / 0', 'rollback to before', 'select 2'];
    const ends = await Promise.all(asked.map((text) => tx.query(text).then(answered, answered)));
    sent.mockRestore();
    expect(ends).toEqual([1, 2, 3, 4]);
    expect(await tx.query('select 3 as at')).toEqual([{ at: 3 }]);
  });
});
