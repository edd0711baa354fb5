import { path } from '../client/http.js';
import { allOf, printRows, requireSavable, savedTable, type ListOptions } from '../client/lists.js';
import { agreementPageSchema, anySchema, keyPageSchema } from '../client/records.js';
import { systemOf } from '../client/scope.js';
import { printJson } from '../client/terminal.js';
import { printable } from '../client/text.js';
import type { ScopeOptions } from '../options.js';
import { openRoom, type OrganizationOptions } from './records.js';

interface At {
  asOf?: string;
  knownAt?: string;
}

/** Vendors with what is so of their agreements, at an instant. */
export async function listAgreements(
  options: OrganizationOptions & ListOptions & At & { state?: string },
): Promise<void> {
  await requireSavable(options);
  const { client, room } = await openRoom(options);
  const { asOf, knownAt, state } = options;
  const query = { asOf, knownAt, state };
  if (await savedTable(client, `${room}/agreements`, query, options)) return;
  const { items, raws } = await allOf(client, agreementPageSchema, `${room}/agreements`, query);
  if (options.json) {
    printJson(raws);
    return;
  }
  printRows(
    ['VENDOR', 'EPHI', 'IN FORCE UNTIL', 'STATES'],
    items.map(({ name, ephi, agreements, states }) => [
      printable(name, 100),
      ephi ? 'yes' : 'no',
      agreements.flatMap(({ inForce, endsAt }) => (inForce ? [printable(endsAt ?? 'no end', 30)] : [])).join(' ') ||
        '-',
      states.map((one) => printable(one, 40)).join(' '),
    ]),
  );
}

/** Keys and secrets by what records and reports say of them, at an instant. */
export async function listKeys(
  options: ScopeOptions & ListOptions & At & { state?: string; purpose?: string },
): Promise<void> {
  await requireSavable(options);
  const { client, room, id } = await openRoom(options);
  const system = options.system === undefined ? undefined : await systemOf(client, id, options.system);
  const { asOf, knownAt, state, purpose } = options;
  const query = { asOf, knownAt, state, purpose, system };
  if (await savedTable(client, `${room}/keys`, query, options)) return;
  const { items, raws } = await allOf(client, keyPageSchema, `${room}/keys`, query);
  if (options.json) {
    printJson(raws);
    return;
  }
  printRows(
    ['STATE', 'KEY', 'PURPOSE', 'ROTATED', 'DUE', 'WHY'],
    items.map((key) => [
      printable(key.state, 40),
      printable(key.name, 100),
      printable(key.purpose ?? '-', 40),
      printable(key.lastRotatedAt ?? 'never', 30),
      printable(key.dueAt ?? '-', 30),
      key.findings.map(({ reason }) => printable(reason, 300)).join(' '),
    ]),
  );
}

/** Objectives of a system, whether they were held over a period, and its restore tests. */
export async function showRecovery(
  system: string,
  options: OrganizationOptions & { from?: string; to?: string; knownAt?: string },
): Promise<void> {
  const { client, room, id } = await openRoom(options);
  const systemId = await systemOf(client, id, system);
  const { from, to, knownAt } = options;
  const { raw } = await client.read(anySchema, {
    method: 'GET',
    path: `${room}${path('systems', systemId, 'recovery')}`,
    query: { from, to, knownAt },
  });
  printJson(raw);
}
