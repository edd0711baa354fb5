import pg from 'pg';

/** `admin` is the superuser, `owner` owns the database and runs migrations, `server` is what the running service may do. */
export type DatabaseRole = 'admin' | 'owner' | 'server';

export const ROLE_NAMES: Record<DatabaseRole, string> = {
  admin: 'postgres',
  owner: 'safeguard_owner',
  server: 'safeguard_server',
};

/** Rights are granted to this group; the login roles of deployments are members of it. */
const APP_GROUP = 'safeguard_app';

/** Creates or repairs the roles. None but the administrator is a superuser, and none bypasses row-level security. */
export async function prepareRoles(admin: pg.Client, passwords: Record<DatabaseRole, string>): Promise<void> {
  for (const name of [ROLE_NAMES.owner, APP_GROUP, ROLE_NAMES.server]) {
    const { rowCount } = await admin.query('select 1 from pg_roles where rolname = $1', [name]);
    if (rowCount === 0) await admin.query(`create role ${name}`);
  }
  const plain = 'nosuperuser nobypassrls nocreatedb nocreaterole noreplication';
  const password = (role: DatabaseRole) => pg.escapeLiteral(passwords[role]);
  await admin.query(`alter role ${ROLE_NAMES.owner} login ${plain} password ${password('owner')}`);
  await admin.query(`alter role ${APP_GROUP} nologin ${plain}`);
  await admin.query(`alter role ${ROLE_NAMES.server} login ${plain} password ${password('server')}`);
  await admin.query(`grant ${APP_GROUP} to ${ROLE_NAMES.server}`);
}

/** Creates a database of the owner role that only the product's roles may enter. A template must have no open connection. */
export async function createDatabase(admin: pg.Client, name: string, template = 'template0'): Promise<void> {
  const database = pg.escapeIdentifier(name);
  await admin.query(`create database ${database} owner ${ROLE_NAMES.owner} template ${pg.escapeIdentifier(template)}`);
  // The rights on a database are not copied from its template.
  await admin.query(`revoke all on database ${database} from public`);
  // Reports are staged in temporary tables before they are merged.
  await admin.query(`grant connect, temporary on database ${database} to ${APP_GROUP}`);
}
