import type { Tx } from '../db/database.js';
import type { DataKeyRow, DataKeyStore } from './keyring.js';

const COLUMNS = `id, epoch, kek_ref as "kekRef", kek_version as "kekVersion", wrapped, created_at as "createdAt"`;

/** Table data_key: primary key (organization_id, id), and mostly one of an epoch: one that was deleted may have been put back. */
export const dataKeyStore: DataKeyStore = {
  async find(tx: Tx, id: string): Promise<DataKeyRow | null> {
    const [row] = await tx.query<DataKeyRow>(`select ${COLUMNS} from data_key where organization_id = $1 and id = $2`, [
      tx.organizationId,
      id,
    ]);
    return row ?? null;
  },

  async current(tx: Tx, epoch: string): Promise<DataKeyRow | null> {
    const [row] = await tx.query<DataKeyRow>(
      `select ${COLUMNS} from data_key where organization_id = $1 and epoch = $2 order by created_at desc, id desc limit 1`,
      [tx.organizationId, epoch],
    );
    return row ?? null;
  },

  async insert(tx: Tx, row: DataKeyRow): Promise<void> {
    await tx.query('select pg_advisory_xact_lock(hashtextextended($1, 0))', [`data-key/${tx.organizationId}`]);
    await tx.query(
      `insert into data_key (organization_id, id, epoch, kek_ref, kek_version, wrapped, created_at)
       select $1, $2, $3, $4, $5, $6, $7
       where not exists (select from data_key where organization_id = $1 and epoch = $3)`,
      [tx.organizationId, row.id, row.epoch, row.kekRef, row.kekVersion, row.wrapped, row.createdAt],
    );
  },

  async wrappedByOlder(tx: Tx, kekRef: string, kekVersion: number): Promise<DataKeyRow[]> {
    return tx.query<DataKeyRow>(
      `select ${COLUMNS} from data_key
       where organization_id = $1 and kek_ref = $2 and kek_version < $3::integer
       order by id for update`,
      [tx.organizationId, kekRef, kekVersion],
    );
  },

  async replaceWrapping(tx, row): Promise<void> {
    await tx.query(
      `update data_key set kek_ref = $3, kek_version = $4, wrapped = $5 where organization_id = $1 and id = $2`,
      [tx.organizationId, row.id, row.kekRef, row.kekVersion, row.wrapped],
    );
  },
};
