import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { newId } from '../../src/kernel/ids.js';
import { PackagesService } from '../../src/packages/packages.service.js';
import { startSuite, type Caller, type Clinic, type World } from '../support/app.js';
import { programOf } from '../support/log.js';
import { packagesRoom, unqueuedPackage, type PackagesRoom } from '../support/packages.js';
import { failed, Superuser, verify, type Edit } from '../support/tampering.js';
import { kubeBench, send } from './reports.js';

/*
 * Somebody with all rights on the database edits rows of which events tell: the registers of an organisation. What is done to events, reports, records and the log itself is tried in
 * tampering.spec.ts.
 */

let world: World;
let superuser: Superuser;
let clinic: Clinic;
let officer: Caller;
let packages: PackagesRoom;
let directory: string;

beforeAll(async () => {
  const suite = await startSuite();
  ({ world, clinic, officer } = suite);
  superuser = new Superuser(suite.admin);
  directory = await mkdtemp(join(tmpdir(), 'safeguard-tampering-'));
  packages = packagesRoom(`${clinic.path}/packages`, officer);
  const { status } = await send(
    world.url,
    clinic.agent,
    'POST',
    `${clinic.systemPath}/scans?targets=node/cp-1&observedAt=${new Date().toISOString()}`,
    { body: kubeBench({ '1.2.1': 'PASS' }) },
  );
  expect(status).toBe(201);
  return suite.stop;
});
afterAll(() => rm(directory, { recursive: true, force: true }));

async function fileOfNext(): Promise<string> {
  const id = await unqueuedPackage(world, clinic);
  await world.app.get(PackagesService, { strict: false }).build(programOf(clinic), id);
  const file = join(directory, `${id}.zip`);
  await writeFile(file, await packages.bytes(id));
  return file;
}

/** Of the clinic; `edit` is told which rows. */
const rows = (table: string, where: string, edit: (own: string) => string): Edit => {
  const own = `organization_id = '${clinic.organizationId}' and ${where}`;
  return { table, where: own, edit: edit(own) };
};
const update = (table: string, where: string, set: string): Edit =>
  rows(table, where, (own) => `update ${table} set ${set} where ${own}`);
const remove = (table: string, where: string): Edit => rows(table, where, (own) => `delete from ${table} where ${own}`);
/** A copy of one row that is another in some columns; `where`: true of the copy alone. */
const insert = (table: string, where: string, of: string, columns: string): Edit =>
  rows(
    table,
    where,
    () =>
      `insert into ${table} select (jsonb_populate_record(r, jsonb_build_object(${columns}))).* from ${table} r where organization_id = '${clinic.organizationId}' and ${of}`,
  );

describe('does `complete` fail in the next package?', () => {
  const isOwn = () => `system_id = '${clinic.systemId}'`;
  // What a register held is kept in memory until its last instant is another.
  const edited = (set: string) =>
    update('system_version', isOwn(), `${set}, recorded_at = recorded_at + interval '1 microsecond'`);
  const another = newId();

  it.each<[string, () => Edit]>([
    ['what a version of a system says of PHI was changed', () => edited(`phi = 'none'`)],
    ['the name of a system was changed', () => edited(`name = 'another'`)],
    ['a system was said to be retired', () => edited('retired_at = recorded_at')],
    ['the versions of a system were deleted', () => remove('system_version', isOwn())],
    [
      'a system was put in',
      () => insert('system_version', `system_id = '${another}'`, isOwn(), `'system_id', '${another}'`),
    ],
    ['the organisation was called otherwise', () => update('organization', 'true', `name = 'Seaside Clinic'`)],
  ])('when %s', async (_, edit) => {
    expect(failed(await verify(await fileOfNext()))).toEqual([]);
    const undo = await superuser.behind(edit());
    const verdict = await verify(await fileOfNext());
    await undo();
    expect(failed(verdict)).toEqual(['complete']);
  });
});
