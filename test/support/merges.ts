import type pg from 'pg';

/** While the work goes on, nothing of the system is merged, whoever sent it. `admin` takes no other advisory lock meanwhile. */
export async function holdingMerges<T>(
  admin: pg.Client,
  { organizationId, systemId }: { organizationId: string; systemId: string },
  work: () => Promise<T>,
): Promise<T> {
  await admin.query('select pg_advisory_lock(hashtextextended($1, 0))', [`merge/${organizationId}/${systemId}`]);
  try {
    return await work();
  } finally {
    await admin.query('select pg_advisory_unlock_all()');
  }
}
