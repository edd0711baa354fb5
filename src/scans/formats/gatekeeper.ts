import type { Format } from '../report.js';
import { isList } from '../text/lazy-list.js';
import type { Draft } from './draft.js';
import type { Fields } from './fields.js';
import {
  field,
  fieldsIn,
  fieldsOf,
  firstOf,
  has,
  instant,
  isFields,
  list,
  OldestOf,
  optionalNumber,
  optionalText,
  resourceName,
  text,
  Unreadable,
} from './fields.js';
import { detectObjects, eachObject } from './kubernetes.js';
import { assertCluster, CLUSTER } from './targets.js';

const SLUG = 'gatekeeper';
const GROUP = 'constraints.gatekeeper.sh';
const SCOPE = { target: CLUSTER, source: SLUG };

/** What Gatekeeper's audit says of the constraints of a cluster. */
export const gatekeeper: Format = {
  slug: SLUG,
  title: 'Gatekeeper',
  tool: 'gatekeeper',
  description:
    `Constraints (${GROUP}, of any kind) with the status that the audit gave them, as JSON or YAML: one, several documents, or a List; or the log lines of ` +
    'one audit, one JSON object per line. A check is `Kind/name` of a constraint. Each violating object is a row, whether the constraint denies, warns or is a ' +
    'dry run, and the constraint has one of its own: failed where something violates it, passed where its status says when it was audited and counts no ' +
    'violation. Complete for the constraints of which as many violations are listed as are counted (a status lists 20 by default).',

  yields: ['results'],
  targets: ['cluster'],

  detect(document) {
    return isAuditLine(isList(document) ? firstOf(document) : document) || detectObjects(document, isConstraint);
  },

  read(document, draft) {
    for (const target of draft.declared.targets) assertCluster(target, null);
    const complete = isAuditLine(isList(document) ? firstOf(document) : document)
      ? readLog(draft, document)
      : readConstraints(draft, document);
    if (complete === null) return;
    draft.cover({
      ...SCOPE,
      extent: complete.length > 0 ? 'complete' : 'partial',
      checks: complete.length > 0 ? complete : null,
      silentPass: [],
    });
  },
};

const isConstraint = ({ group }: { group: string }): boolean => group === GROUP;

/** Returns the checks that are complete; null if no constraint was audited. */
function readConstraints(draft: Draft, document: unknown): string[] | null {
  const audited = new OldestOf();
  /** Whether each is complete; one that is there twice contradicts itself. */
  const checks = new Map<string, boolean>();
  eachObject(draft, document, (constraint) => {
    const { object, kind, pointer } = constraint;
    if (!isConstraint(constraint)) throw new Unreadable('/apiVersion', 'is no constraint of Gatekeeper');
    const status = fieldsIn(object, 'status');
    const violations = list(status, 'violations');
    const total = optionalNumber(status, 'totalViolations');
    const at = instant(field(status, 'auditTimestamp'));
    if (at === null && violations.length === 0 && total === null) {
      draft.note('Constraints that were not audited prove nothing.');
      return;
    }
    const name = text(fieldsIn(object, 'metadata'), 'name');
    const check = `${kind}/${name}`;
    const isAgain = checks.has(check);
    checks.set(check, false);
    audited.add(at);
    const action = optionalText(fieldsIn(object, 'spec'), 'enforcementAction');
    draft.rows(violations, `${pointer}/status/violations`, SCOPE, (row) => {
      addViolation(draft, check, {
        group: optionalText(row, 'group'),
        kind: text(row, 'kind'),
        namespace: optionalText(row, 'namespace'),
        name: text(row, 'name'),
        action: optionalText(row, 'enforcementAction') || action,
        message: optionalText(row, 'message'),
      });
    });
    const isWhole = total === violations.length && at !== null && isInForce(object, status);
    if (isWhole) checks.set(check, !isAgain);
    else draft.note('Constraints whose status does not show all of their violations are not taken as complete.');
    const counted = Math.max(total ?? 0, violations.length);
    if (isWhole || counted > 0) addConstraint(draft, check, kind, name, action, counted);
  });
  draft.observedAt = audited.instant;
  return checks.size > 0 ? [...checks].flatMap(([check, isComplete]) => (isComplete ? [check] : [])) : null;
}

/**
 * Whether the audit looked at the constraint at all: pods of Gatekeeper took it, none of them in vain, and its actions, where they are scoped, reach the
 * audit. A count of 0 proves nothing without.
 */
function isInForce(object: Fields, status: Fields): boolean {
  const pods = list(status, 'byPod');
  for (const pod of pods) {
    const of = fieldsOf(pod);
    if (field(of, 'enforced') !== true || has(of, 'errors')) return false;
  }
  if (pods.length === 0 || !isFields(field(object, 'spec'))) return false;
  const spec = fieldsIn(object, 'spec');
  const action = optionalText(spec, 'enforcementAction').toLowerCase();
  if (action !== 'scoped' && !has(spec, 'scopedEnforcementActions')) return true;
  for (const scoped of list(spec, 'scopedEnforcementActions')) {
    for (const point of list(fieldsOf(scoped), 'enforcementPoints')) {
      if (['*', 'audit.gatekeeper.sh'].includes(text(fieldsOf(point), 'name'))) return true;
    }
  }
  return false;
}

/** A line that the audit wrote; what else the pod logs is none. */
function isAuditLine(value: unknown): value is Fields {
  return isFields(value) && field(value, 'process') === 'audit' && typeof field(value, 'audit_id') === 'string';
}

/**
 * The lines of the last audit in the log; older ones may say what has been mended since. The audit writes a line for each violation, not only for the first 20,
 * and one that counts them for each violated constraint; of the others it says nothing, so a log holds no pass.
 */
function readLog(draft: Draft, document: unknown): string[] | null {
  const lines = isList(document) ? document : [document];
  let last = '';
  let several = false;
  for (const line of lines) {
    // The start of the audit in UTC, always as long: the later one is the greater text.
    const audit = isAuditLine(line) ? text(line, 'audit_id') : '';
    if (instant(audit) === null) continue;
    several ||= last !== '' && audit !== last;
    if (audit > last) last = audit;
  }
  if (last === '') throw new Unreadable('', 'no line says the time of its audit');

  const seen = new Map<string, { kind: string; name: string; action: string; listed: number; counted: number }>();
  draft.rows(lines, '', SCOPE, (line) => {
    if (field(line, 'process') !== 'audit' || text(line, 'audit_id') !== last) return;
    const event = optionalText(line, 'event_type');
    if (event !== 'violation_audited' && event !== 'constraint_audited') return;
    const kind = text(line, 'constraint_kind');
    const name = text(line, 'constraint_name');
    const action = optionalText(line, 'constraint_action');
    const check = `${kind}/${name}`;
    const counted = event === 'constraint_audited' ? countOf(line) : 0;
    let constraint = seen.get(check);
    if (!constraint) seen.set(check, (constraint = { kind, name, action, listed: 0, counted: 0 }));
    constraint.counted = Math.max(constraint.counted, counted);
    if (event === 'constraint_audited') return;
    constraint.listed++;
    addViolation(draft, check, {
      group: optionalText(line, 'resource_group'),
      kind: text(line, 'resource_kind'),
      namespace: optionalText(line, 'resource_namespace'),
      name: text(line, 'resource_name'),
      action,
      message: optionalText(line, 'msg'),
    });
  });
  if (several) draft.note('The log holds several audits; the last one was read.');
  const complete: string[] = [];
  for (const [check, { kind, name, action, listed, counted }] of seen) {
    addConstraint(draft, check, kind, name, action, Math.max(counted, listed));
    if (counted === listed) complete.push(check);
  }
  draft.observedAt = instant(last);
  return seen.size > 0 ? complete : null;
}

/** Never 0: a constraint that nothing violates has no line. */
function countOf(line: Fields): number {
  const count = text(line, 'constraint_violations');
  if (!/^[1-9]\d{0,8}$/.test(count)) throw new Unreadable('/constraint_violations', 'must be a number above 0');
  return Number(count);
}

interface Violation {
  group: string;
  kind: string;
  namespace: string;
  name: string;
  action: string;
  message: string;
}

/** A dry run or a warning is how strictly a constraint is enforced; the object violates it all the same. */
function addViolation(draft: Draft, check: string, violation: Violation): void {
  const { group, kind, namespace, name, action, message } = violation;
  draft.add({
    ...SCOPE,
    check,
    resource: resourceName(namespace, group, kind, name),
    namespace: namespace || null,
    title: check,
    status: 'fail',
    severity: 'unknown',
    message: `${actionText(action)}: ${message}`,
  });
}

/** The row of the constraint itself: it holds also where not all violations are listed, so that a pass never outlives them. */
function addConstraint(
  draft: Draft,
  check: string,
  kind: string,
  name: string,
  action: string,
  violations: number,
): void {
  draft.add({
    ...SCOPE,
    check,
    resource: resourceName(null, GROUP, kind, name),
    namespace: null,
    title: check,
    status: violations === 0 ? 'pass' : 'fail',
    severity: 'unknown',
    message: `${actionText(action)}; violations in the cluster: ${violations}`,
  });
}

/** `deny` where the constraint does not say. */
const actionText = (action: string): string => action || 'deny';
