import type { CheckStatus, Coverage, Format, Severity, Target } from '../report.js';
import { BOUNDS, ReportFault } from '../report.js';
import { isList } from '../text/lazy-list.js';
import { XmlElement } from '../text/xml-element.js';
import type { Draft } from './draft.js';
import { Evaluated } from './evaluated.js';
import { within } from './fact-fields.js';
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
  optionalText,
  slug,
  text,
  Unreadable,
  type Fields,
} from './fields.js';
import { declaredTarget } from './targets.js';
import { xccdfName, xccdfStatus } from './xccdf-results.js';
import { isContradicted, nameIn, otherMachine } from './xccdf-target.js';

const SLUG = 'oscal-assessment-results';
const SOURCE = 'oscal';
const NAMESPACE = 'http://csrc.nist.gov/ns/oscal/1.0';
const WRAPPER = 'assessment-results';
const KINDS = ['cluster', 'node', 'account', 'image', 'repository'] as const;

/** What assessors found, and what tools observed for them, in NIST's Open Security Controls Assessment Language. */
export const oscal: Format = {
  slug: SLUG,
  title: 'OSCAL assessment results',
  tool: SOURCE,
  description:
    'Assessment results of OSCAL as JSON or YAML, whole or as the results alone, which is what compliance-trestle writes of OpenSCAP; not as XML. It does not say what ' +
    'it is called here: pass targets=cluster/cluster, node/NAME, account/ID, image/NAME or repository/NAME. Observations of machines of its inventory are of nodes of the ' +
    'declared cluster, and none of the cluster. A finding that an objective is not satisfied fails; that it ' +
    'is satisfied is the word of an assessor, and manual: no pass of a machine. An observation counts where its properties say the result of a check, as XCCDF words ' +
    'it; checks that were not selected are left out. Complete for the checks that it lists, if the result has an end. It is as old as its oldest observation. People, ' +
    'their remarks and risks are not kept.',

  yields: ['results'],
  targets: KINDS,

  detect(document) {
    if (document instanceof XmlElement) return document.namespace === NAMESPACE && document.name === WRAPPER;
    if (!isFields(document)) return false;
    const wrapped = field(document, WRAPPER);
    if (isFields(wrapped)) return isList(field(wrapped, 'results'));
    const results = field(document, 'results');
    const first = isList(results) ? firstOf(results) : undefined;
    return isFields(first) && isFields(field(first, 'reviewed-controls')) && isList(field(first, 'observations'));
  },

  read(document, draft) {
    if (document instanceof XmlElement) {
      throw new ReportFault('unknown-format', 'OSCAL is read as JSON or YAML, not as XML: convert it.');
    }
    const target = declaredTarget(draft.declared, KINDS);
    const top = fieldsOf(document);
    const isWrapped = has(top, WRAPPER);
    const results = list(isWrapped ? fieldsIn(top, WRAPPER) : top, 'results');
    if (results.length > 1) draft.note('The report holds several results, of which the worst stand: post the latest.');
    const evaluated = new Evaluated();
    const made = new OldestOf();
    draft.rows(results, isWrapped ? `/${WRAPPER}/results` : '/results', null, (result, at) => {
      const end = instant(field(result, 'end'));
      if (end === null) draft.note('A result has no end, so it goes on.');
      made.add(end ?? instant(field(result, 'start')));
      const context: Context = { draft, target, extent: end === null ? 'partial' : 'complete', evaluated };
      readFindings(context, result, at);
      readObservations(context, result, at, made);
    });
    draft.observedAt = made.instant;
    evaluated.cover(draft);
  },
};

interface Context {
  readonly draft: Draft;
  readonly target: Target;
  readonly extent: Coverage['extent'];
  readonly evaluated: Evaluated;
}

const STATES: Readonly<Record<string, CheckStatus>> = { satisfied: 'manual', 'not-satisfied': 'fail' };

/** Findings are about an objective or a statement of a control. What assessors write of them stays in the evidence. */
function readFindings({ draft, target, extent, evaluated }: Context, result: Fields, pointer: string): void {
  const scope = { target, source: `${SOURCE}/findings` };
  draft.rows(list(result, 'findings'), `${pointer}/findings`, scope, (finding) => {
    const { check, status } = within(finding, 'target', (of) => ({
      check: text(of, 'target-id'),
      status: within(of, 'status', stateOf),
    }));
    draft.add({
      ...scope,
      check,
      resource: target.name,
      namespace: null,
      title: check,
      status,
      severity: 'unknown',
      message: `an assessor found it ${status === 'fail' ? 'not satisfied' : 'satisfied'}`,
    });
    evaluated.add(scope, extent, check);
  });
}

function stateOf(status: Fields): CheckStatus {
  const state = text(status, 'state');
  const found = Object.hasOwn(STATES, state) ? STATES[state] : undefined;
  if (!found) throw new Unreadable('/state', 'must be satisfied or not-satisfied');
  return found;
}

/** Observations of tools: which check, on what and with which result stands in their properties. Those of people are what findings rest on. */
function readObservations(context: Context, result: Fields, pointer: string, made: OldestOf): void {
  const { draft, target, extent, evaluated } = context;
  const machines = machinesIn(result);
  assertMachine(target, machines);
  const tool = toolOf(result);
  if (tool.name !== '') draft.tool = slug(tool.name);
  if (tool.version !== '') draft.toolVersion = tool.version;
  const source = `${SOURCE}/${slug(xccdfName(tool.benchmark))}`;
  // Of which machine one is that cannot be read nobody knows.
  draft.rows(list(result, 'observations'), `${pointer}/observations`, null, (observation) => {
    made.add(instant(field(observation, 'collected')));
    const said = propertyOf(observation, 'result', 'scc_result');
    if (said === '') {
      draft.note('Observations without the result of a check are left out.');
      return;
    }
    const status = xccdfStatus(said.toLowerCase());
    if (status === null) return;
    const check = propertyOf(observation, 'idref', 'scc_check_name_id');
    for (const { isWhole, ...place } of placesOf(observation, machines, target)) {
      draft.add({
        ...place,
        source,
        check,
        namespace: null,
        title: check,
        // Of the cluster it is no pass.
        status: status === 'pass' && !isWhole ? 'manual' : status,
        severity: severityOf(propertyOf(observation, 'severity', 'scc_check_severity')),
        message: isWhole ? '' : 'seen on a machine that the report does not name',
      });
      evaluated.add({ target: place.target, source }, isWhole ? extent : 'partial', check);
    }
  });
}

/**
 * The value of the property of that name or class: compliance-trestle keeps the names that a tool gives its own, and says by the class what they are. "" where there is
 * none.
 */
function propertyOf(fields: Fields, name: string, ofClass: string): string {
  let found = '';
  for (const value of list(fields, 'props')) {
    const property = fieldsOf(value);
    if (optionalText(property, 'name') !== name && optionalText(property, 'class') !== ofClass) continue;
    const own = text(property, 'value');
    if (found !== '' && found !== own) throw new Unreadable('/props', `must hold one ${name}`);
    found = own;
  }
  return found;
}

/** Machines of the inventory. */
interface Machines {
  readonly count: number;
  /** All that they are called. */
  readonly names: readonly string[];
  /** What each is called, by its id; null of an id that several have. */
  readonly byId: ReadonlyMap<string, string | null>;
}

function machinesIn(result: Fields): Machines {
  const items = list(fieldsIn(result, 'local-definitions'), 'inventory-items');
  if (items.length > BOUNDS.targets) {
    throw new Unreadable('/local-definitions/inventory-items', `must hold ${BOUNDS.targets} members at most`);
  }
  const names: string[] = [];
  const byId = new Map<string, string | null>();
  for (const value of items) {
    const item = fieldsOf(value);
    const said = [propertyOf(item, 'target', 'target'), propertyOf(item, 'host_name', 'scc_inventory_item_id')];
    const own = said.map(nameIn).filter((name) => name !== '');
    const [name = null] = own;
    const id = text(item, 'uuid');
    byId.set(id, byId.has(id) ? null : name);
    names.push(...own);
  }
  return { count: items.length, names, byId };
}

/** Refuses a declared node that is not the one machine of the inventory. */
function assertMachine(target: Target, { count, names }: Machines): void {
  if (target.kind !== 'node') return;
  if (count > 1) {
    throw new ReportFault('target-mismatch', 'The report is about several machines: declare the cluster.');
  }
  if (isContradicted(target.name, names)) throw otherMachine();
}

/** What a check was made on. */
interface Place {
  readonly target: Target;
  readonly resource: string;
  /** Whether it was made on all of the target. */
  readonly isWhole: boolean;
}

/**
 * The machines of the inventory by their names, or else the target as a whole. Where a cluster is declared they are nodes of it: what was seen of a machine, known or
 * not, is no evidence of the cluster.
 */
function placesOf(observation: Fields, machines: Machines, target: Target): Place[] {
  const asDeclared = (isWhole: boolean): Place => ({ target, resource: target.name, isWhole });
  if (target.kind === 'node') return [asDeclared(true)];
  const names = new Set<string>();
  let isOfOther = machines.count > 0;
  for (const value of list(observation, 'subjects')) {
    const subject = fieldsOf(value);
    const name = machines.byId.get(optionalText(subject, 'subject-uuid')) ?? null;
    if (name !== null) names.add(name);
    else if (optionalText(subject, 'type') !== 'component') isOfOther = true;
  }
  if (target.kind !== 'cluster') {
    return names.size === 0 ? [asDeclared(true)] : [...names].map((resource) => ({ target, resource, isWhole: true }));
  }
  if (names.size === 0) return [asDeclared(!isOfOther)];
  return [...names].map((name) => ({ target: { kind: 'node', name }, resource: name, isWhole: true }));
}

/** Who made the observations, by what benchmark: said of the result, or of the assets of the assessment. */
function toolOf(result: Fields): { name: string; version: string; benchmark: string } {
  const assets = fieldsIn(fieldsIn(result, 'local-definitions'), 'assessment-assets');
  const said = (name: string): string => {
    let value = propertyOf(result, name, name);
    for (const component of list(assets, 'components')) value ||= propertyOf(fieldsOf(component), name, name);
    return value;
  };
  return { name: said('scanner_name'), version: said('scanner_version'), benchmark: said('benchmark_id') };
}

const SEVERITIES: readonly Severity[] = ['critical', 'high', 'medium', 'low', 'info'];

function severityOf(said: string): Severity {
  return SEVERITIES.find((severity) => severity === said.toLowerCase()) ?? 'unknown';
}
