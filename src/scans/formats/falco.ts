import { hash } from 'node:crypto';
import type { SecurityEvent } from '../../events/event.js';
import type { Format } from '../report.js';
import { isList } from '../text/lazy-list.js';
import type { Fields } from './fields.js';
import {
  field,
  fieldsIn,
  fieldsOf,
  firstOf,
  has,
  instant,
  isFields,
  optionalText,
  resourceName,
  step,
  text,
  Unreadable,
} from './fields.js';
import { CLUSTER } from './targets.js';

const SLUG = 'falco';
const SCOPE = { target: CLUSTER, source: SLUG };

/** Alarms of the engine that watches system calls and audit logs. */
export const falco: Format = {
  slug: SLUG,
  title: 'Falco alerts',
  tool: SLUG,
  description:
    'Alerts of Falco with `json_output: true`, or as Falcosidekick sends them on: one alone, one a line, or an array. Each is an event, known again ' +
    'by its rule, its time to the nanosecond and its place, however often it is delivered. Its text (`output`) is not kept: it may hold command lines. ' +
    'Alerts never show that there were no others, so nothing is closed. The report is as of its newest alert.',
  yields: ['events'],
  targets: [],

  detect(document) {
    const first = isList(document) ? firstOf(document) : document;
    return (
      isFields(first) &&
      typeof field(first, 'rule') === 'string' &&
      typeof field(first, 'priority') === 'string' &&
      has(first, 'time') &&
      (has(first, 'output_fields') || has(first, 'output'))
    );
  },

  read(document, draft) {
    let newest = '';
    const readAlert = (alert: Fields): void => {
      const event = eventOf(alert);
      draft.event(event);
      if (event.at > newest) newest = event.at;
      if (has(alert, 'output')) draft.note('The texts of the alerts were dropped: they may hold command lines.');
    };
    if (isList(document)) draft.rows(document, '', SCOPE, readAlert);
    else draft.attempt('', SCOPE, () => readAlert(fieldsOf(document)));
    if (newest === '') return;
    draft.observedAt = newest;
    draft.cover({ ...SCOPE, extent: 'partial', checks: null, silentPass: [] });
  },
};

function eventOf(alert: Fields): SecurityEvent {
  const at = instant(field(alert, 'time'));
  if (at === null) throw new Unreadable('/time', 'must be an instant with its zone');
  const fields = fieldsIn(alert, 'output_fields');
  const rule = text(alert, 'rule');
  return {
    source: SLUG,
    id: identityOf(alert, fields, rule, at),
    at,
    category: 'alert',
    severity: severityOf(text(alert, 'priority')),
    actor: said(fields, 'ka.user.name') || said(fields, 'proc.name'),
    action: rule,
    ...placeOf(alert, fields),
    statusCode: null,
    sourceIp: '',
  };
}

/**
 * What tells one alert from another: of one rule, at one nanosecond, there may be several of different processors. Tags and most other fields depend on the
 * configuration of whoever delivers it. `evt.time` is left out: its nanoseconds as a number are beyond 2^53, and no reader of JSON keeps them.
 */
const IDENTITY = ['evt.num', 'evt.type', 'proc.pid', 'container.id', 'k8s.ns.name', 'k8s.pod.name', 'ka.auditid'];

function identityOf(alert: Fields, fields: Fields, rule: string, at: string): string {
  // Go cuts the zeros at the end of a fraction, Falco does not.
  const fraction = /\.(\d{1,9})/.exec(text(alert, 'time'))?.[1] ?? '';
  const exactly = `${at.slice(0, 19)}.${fraction.padEnd(9, '0')}`;
  const parts = [rule, exactly, optionalText(alert, 'hostname'), optionalText(alert, 'source')];
  return hash('sha256', JSON.stringify([...parts, ...IDENTITY.map((name) => said(fields, name))]));
}

/** In which pod; else on what of the cluster (rules over audit logs); else in which container; else on which host. */
function placeOf(alert: Fields, fields: Fields): Pick<SecurityEvent, 'resource' | 'namespace'> {
  const namespace = said(fields, 'k8s.ns.name') || said(fields, 'ka.target.namespace') || null;
  const pod = said(fields, 'k8s.pod.name');
  if (pod !== '') return { resource: resourceName(namespace, '', 'pods', pod), namespace };
  const [kind, name] = [said(fields, 'ka.target.resource'), said(fields, 'ka.target.name')];
  if (kind !== '' && name !== '') return { resource: resourceName(namespace, '', kind, name), namespace };
  const container = said(fields, 'container.id');
  const host = optionalText(alert, 'hostname');
  if (container !== '' && container !== 'host') return { resource: `container/${container}`, namespace };
  return { resource: host === '' ? '' : `host/${host}`, namespace };
}

/** The output field of that name as text; "" where absent, null or `<NA>`, which is how Falco writes what it does not know. */
function said(fields: Fields, name: string): string {
  const value = field(fields, name) ?? '';
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  if (typeof value !== 'string') throw new Unreadable(`/output_fields${step(name)}`, 'must be a text or number');
  return value === '<NA>' ? '' : value;
}

const SEVERITIES: Readonly<Record<string, SecurityEvent['severity']>> = {
  emergency: 'critical',
  alert: 'critical',
  critical: 'critical',
  error: 'high',
  warning: 'medium',
  notice: 'low',
  informational: 'info',
  debug: 'info',
};

function severityOf(priority: string): SecurityEvent['severity'] {
  const name = priority.toLowerCase();
  return (Object.hasOwn(SEVERITIES, name) ? SEVERITIES[name] : undefined) ?? 'unknown';
}
