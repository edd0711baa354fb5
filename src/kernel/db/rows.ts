import { In, type EntityTarget, type FindOptionsWhere, type ObjectLiteral } from 'typeorm';
import type { Tx } from './database.js';

/** What the rows of an entity are of: the values of one of its properties after one, each once and in their order. */
export async function idsOf<Row extends ObjectLiteral>(
  tx: Tx,
  entity: EntityTarget<Row>,
  property: keyof Row & string,
  after: string | null,
  limit: number,
): Promise<string[]> {
  const query = tx.manager
    .createQueryBuilder(entity, 'r')
    .select(`r.${property}`, 'id')
    .distinct(true)
    .where('r.organizationId = :organizationId', { organizationId: tx.organizationId })
    .orderBy(`r.${property}`)
    .limit(limit);
  if (after !== null) query.andWhere(`r.${property} > :after`, { after });
  return (await query.getRawMany<{ id: string }>()).map(({ id }) => id);
}

/** All rows of an entity that are of these. */
export function rowsOf<Row extends ObjectLiteral>(
  tx: Tx,
  entity: EntityTarget<Row>,
  property: keyof Row & string,
  ids: readonly string[],
): Promise<Row[]> {
  const where = { organizationId: tx.organizationId, [property]: In([...ids]) } as unknown as FindOptionsWhere<Row>;
  return tx.manager.find(entity, { where });
}
