import { path } from '../client/http.js';
import { allOf, printCsv, printRows, type ListFormat } from '../client/lists.js';
import { agreementPageSchema, anySchema, keyPageSchema } from '../client/records.js';
import { systemOf } from '../client/scope.js';
import { printJson } from '../client/terminal.js';
import { printable } from '../client/text.js';
import type { ScopeOptions } from '../options.js';
import { openRoom, type OrganizationOptions } from './records.js';

const VENDOR_COLUMNS = ['vendorId', 'name', 'role', 'ephi', 'parentId', 'states'] as const;

const AGREEMENT_COLUMNS = [
  'recordId',
  'version',
  'title',
  'ownerId',
  'inForce',
  'effectiveFrom',
  'signedOn',
  'endsAt',
  'hasRenewedItself',
  'renewal',
  'noticeDays',
  'incidentNoticeHours',
  'returnOrDestroy',
  'termsMissing',
  'dataClasses',
] as const;

const KEY_COLUMNS = [
  'state',
  'name',
  'purpose',
  'provider',
  'keyId',
  'systemId',
  'recordId',
  'custodian',
  'managedBy',
  'createdAt',
  'policyDays',
  'lastRotatedAt',
  'latestVersion',
  'dueAt',
  'reasons',
  'sources',
] as const;

interface At {
  asOf?: string;
  knownAt?: string;
}

/** Vendors with what is so of their agreements, at an instant. */
export async function listAgreements(
  options: OrganizationOptions & At & { state?: string; format: ListFormat },
): Promise<void> {
  const { client, room } = await openRoom(options);
  const { asOf, knownAt, state } = options;
  const { items, raws } = await allOf(client, agreementPageSchema, `${room}/agreements`, { asOf, knownAt, state });
  if (options.json) {
    printJson(raws);
    return;
  }
  if (options.format === 'csv') {
    // A row for each agreement; of a vendor without any, one.
    const rows = items.flatMap(({ agreements, ...vendor }) =>
      agreements.length === 0 ? [vendor] : agreements.map((agreement) => ({ ...agreement, ...vendor })),
    );
    printCsv([...VENDOR_COLUMNS, ...AGREEMENT_COLUMNS], rows);
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
  options: ScopeOptions & At & { state?: string; purpose?: string; format: ListFormat },
): Promise<void> {
  const { client, room, id } = await openRoom(options);
  const system = options.system === undefined ? undefined : await systemOf(client, id, options.system);
  const { asOf, knownAt, state, purpose } = options;
  const query = { asOf, knownAt, state, purpose, system };
  const { items, raws } = await allOf(client, keyPageSchema, `${room}/keys`, query);
  if (options.json) {
    printJson(raws);
    return;
  }
  if (options.format === 'csv') {
    const reasons = (one: (typeof items)[number]) => one.findings.map(({ reason }) => reason);
    printCsv(
      KEY_COLUMNS,
      items.map((one) => ({ ...one, reasons: reasons(one) })),
    );
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
