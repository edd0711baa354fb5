import type { CheckStatus, Coverage, Format, Target } from '../report.js';
import { ReportFault } from '../report.js';
import type { List } from '../text/lazy-list.js';
import type { Draft, Scope } from './draft.js';
import { Evaluated } from './evaluated.js';
import {
  field,
  fieldsIn,
  fieldsOf,
  has,
  isFields,
  list,
  OldestOf,
  optionalText,
  slug,
  text,
  texts,
  Unreadable,
  type Fields,
} from './fields.js';
import { detectFindings, eachFinding, productOf, severityOf, timeIn } from './ocsf-finding.js';
import { withoutPeople } from './people.js';
import { accountScope, declaredTarget } from './targets.js';
import { packageMessage, packagePart } from './trivy-results.js';

const SLUG = 'ocsf';

/** Security Finding, of before version 1.1 of the schema, which the two others took the place of. */
const SECURITY = 2001;
const VULNERABILITY = 2002;
const COMPLIANCE = 2003;
const READ: readonly number[] = [SECURITY, VULNERABILITY, COMPLIANCE];
/** Detections, incidents, data security …: what happened, and no state of a check. */
const OTHER_FINDINGS: readonly number[] = [2004, 2005, 2006, 2007, 2008];

const KINDS = ['account', 'cluster', 'node', 'image', 'repository'] as const;

/** Findings of the Open Cybersecurity Schema Framework, of AWS Security Hub and others. */
export const ocsf: Format = {
  slug: SLUG,
  title: 'OCSF findings',
  tool: SLUG,
  description:
    'Compliance Findings (class 2003), Vulnerability Findings (2002) and, of before version 1.1, Security Findings (2001) of the Open Cybersecurity Schema Framework: ' +
    'one, a list, or one per line. Detection Findings of Prowler are a format of their own; those of others, incidents and the like are left out. A source is a ' +
    'product (`ocsf/security-hub`). A finding is of the account that it names; where it names none, the poster has to say what was looked at. Findings come one by ' +
    'one as they change: they close nothing unless the poster declares the account (targets=account/ID), and then only for the checks that they are of. A ' +
    'vulnerability that is resolved, and what was suppressed, archived or deleted, is a warning and never a pass.',

  yields: ['results'],
  targets: KINDS,

  detect(document) {
    return detectFindings(
      document,
      (classUid, finding) =>
        READ.includes(classUid) && (isFields(field(finding, 'finding_info')) || isFields(field(finding, 'finding'))),
    );
  },

  read(document, draft) {
    const targetOf = targets(draft);
    const evaluated = new Evaluated();
    const products = new Set<string>();
    const seen = new OldestOf();
    eachFinding(draft, document, (finding) => {
      const classUid = classOf(finding);
      if (classUid === null) {
        draft.note('Findings that are of no check and of no vulnerability are left out.');
        return;
      }
      const product = productOf(finding);
      const tool = slug(text(product, has(product, 'name') ? 'name' : 'vendor_name'));
      const { target, extent } = targetOf(finding);
      const of: Of = { scope: { target, source: `${SLUG}/${tool}` }, finding, info: infoOf(finding), classUid };
      const isOfCheck = classUid === COMPLIANCE || (classUid === SECURITY && has(finding, 'compliance'));
      for (const check of isOfCheck ? addCompliance(draft, of) : addVulnerabilities(draft, of)) {
        evaluated.add(of.scope, extent, check);
      }
      seen.add(timeIn(of.info, 'last_seen_time') ?? timeIn(finding, 'time'));
      products.add(tool);
      draft.toolVersion = optionalText(product, 'version') || null;
    });
    const [tool, another] = products;
    if (another !== undefined) draft.toolVersion = null;
    else if (tool !== undefined) draft.tool = tool;
    draft.observedAt = seen.instant;
    evaluated.cover(draft);
  },
};

/** A finding and where it belongs. */
interface Of {
  readonly scope: Scope;
  readonly finding: Fields;
  readonly info: Fields;
  readonly classUid: number;
}

/** Null: it says what happened, and nothing of the state of a check. */
function classOf(finding: Fields): number | null {
  const classUid = field(finding, 'class_uid');
  if (typeof classUid !== 'number') throw new Unreadable('/class_uid', 'must be a number');
  if (OTHER_FINDINGS.includes(classUid)) return null;
  if (!READ.includes(classUid)) throw new Unreadable('/class_uid', 'is no class of findings');
  const isEmpty = !has(finding, 'compliance') && !has(finding, 'vulnerabilities');
  return classUid === SECURITY && isEmpty ? null : classUid;
}

/** `finding` until version 1.0. */
function infoOf(finding: Fields): Fields {
  return fieldsIn(finding, has(finding, 'finding_info') ? 'finding_info' : 'finding');
}

interface Place {
  target: Target;
  extent: Coverage['extent'];
}

function targets(draft: Draft): (finding: Fields) => Place {
  const { declared } = draft;
  const accountOf = accountScope(declared);
  const isOther = declared.targets.some(({ kind }) => kind !== 'account');
  return (finding) => {
    const cloud = fieldsIn(finding, 'cloud');
    const account = optionalText(fieldsIn(cloud, 'account'), 'uid') || optionalText(cloud, 'account_uid');
    // Findings are sent one by one: only an account that the poster declares is known to be there whole.
    if (account === '') return { target: declaredTarget(declared, KINDS), extent: 'partial' };
    if (!isOther) return accountOf(account);
    throw new ReportFault('target-mismatch', 'A finding is of an account, and something else was declared.');
  };
}

/** Adds the rows of a check, one for each resource; returns its id. */
function addCompliance(draft: Draft, of: Of): string[] {
  const { scope, finding, info } = of;
  const compliance = fieldsIn(finding, 'compliance');
  const check = checkOf(finding, compliance);
  const outcome = outcomeOf(compliance);
  const status = isSetAside(of) ? 'warn' : outcome;
  for (const resource of resourcesOf(finding, scope.target)) {
    draft.add({
      ...scope,
      check,
      resource,
      namespace: null,
      title: optionalText(info, 'title') || check,
      status,
      severity: severityOf(finding),
      message: texts(compliance, 'requirements').join(', '),
    });
  }
  return [check];
}

/** The control; of producers that name none, the rule that made the finding. */
function checkOf(finding: Fields, compliance: Fields): string {
  const metadata = fieldsIn(finding, 'metadata');
  const check =
    optionalText(compliance, 'control') ||
    optionalText(metadata, 'event_code') ||
    optionalText(fieldsIn(productOf(finding), 'feature'), 'uid');
  if (check === '') throw new Unreadable('/compliance/control', 'must name the check');
  return check;
}

/** Words of the schema (1 Pass, 2 Warning, 3 Fail), and of Security Hub. */
const WORDS: Readonly<Record<string, CheckStatus>> = {
  pass: 'pass',
  passed: 'pass',
  warning: 'warn',
  fail: 'fail',
  failed: 'fail',
  not_available: 'skip',
};
const OUTCOMES: readonly (CheckStatus | undefined)[] = [undefined, 'pass', 'warn', 'fail'];

/** The word, or the number where there is no word. Where both say something, they have to say the same. */
function outcomeOf(compliance: Fields): CheckStatus {
  const word = optionalText(compliance, 'status').toLowerCase();
  const id = field(compliance, 'status_id');
  const said = Object.hasOwn(WORDS, word) ? WORDS[word] : undefined;
  if (word !== '' && !said) throw new Unreadable('/compliance/status', 'must say pass, warning or fail');
  const numbered = typeof id === 'number' ? OUTCOMES[id] : undefined;
  const outcome = said ?? numbered;
  if (!outcome || (numbered !== undefined && numbered !== outcome)) {
    throw new Unreadable('/compliance/status_id', 'must say pass, warning or fail, and the same as the status');
  }
  return outcome;
}

/** Suppressed, archived, deleted: by their words, or where there is none by their numbers. Until version 1.0 it was the `state` of a finding. */
const SET_ASIDE: readonly unknown[] = ['suppressed', 'archived', 'deleted', 3, 5, 6];
const RESOLVED: readonly unknown[] = ['resolved', 4];

function stateOf({ finding, classUid }: Of): unknown {
  const name = classUid === SECURITY ? 'state' : 'status';
  return optionalText(finding, name).toLowerCase() || field(finding, `${name}_id`);
}

function isSetAside(of: Of): boolean {
  return SET_ASIDE.includes(stateOf(of));
}

/** Adds a row for each vulnerability of each package of each resource; returns their ids. */
function addVulnerabilities(draft: Draft, of: Of): string[] {
  const { scope, finding } = of;
  const vulnerabilities = list(finding, 'vulnerabilities');
  if (vulnerabilities.length === 0) throw new Unreadable('/vulnerabilities', 'must hold a vulnerability');
  const isOpen = !isSetAside(of) && !RESOLVED.includes(stateOf(of));
  const resources = resourcesOf(finding, scope.target);
  const checks: string[] = [];
  for (const value of vulnerabilities) {
    const vulnerability = fieldsOf(value);
    const check =
      optionalText(fieldsIn(vulnerability, 'cve'), 'uid') || text(fieldsIn(vulnerability, 'advisory'), 'uid');
    checks.push(check);
    for (const { part, message } of packagesOf(vulnerability)) {
      for (const resource of resources) {
        draft.add({
          ...scope,
          check,
          resource: packagePart(resource, part),
          namespace: null,
          title: optionalText(vulnerability, 'title') || check,
          status: isOpen ? 'fail' : 'warn',
          severity: severityOf(finding),
          message,
        });
      }
    }
  }
  return checks;
}

/** `packages` until version 1.0. One that names none is in the resource itself. */
function packagesOf(vulnerability: Fields): { part: string; message: string }[] {
  const packages = list(vulnerability, has(vulnerability, 'affected_packages') ? 'affected_packages' : 'packages');
  if (packages.length === 0) return [{ part: '', message: '' }];
  return Array.from(bounded(packages), (value) => {
    const found = fieldsOf(value);
    const name = text(found, 'name');
    const version = optionalText(found, 'version');
    return {
      part: optionalText(found, 'purl') || `${name}@${version}`,
      message: packageMessage(name, version, optionalText(found, 'fixed_in_version'), ''),
    };
  });
}

/** Names of the resources; the target itself where a finding names none. `resource` in version 1.1. */
function resourcesOf(finding: Fields, target: Target): string[] {
  const resources = has(finding, 'resource') && !has(finding, 'resources') ? [field(finding, 'resource')] : null;
  const names = Array.from(resources ?? bounded(list(finding, 'resources')), (value) => {
    const resource = fieldsOf(value);
    return withoutPeople(optionalText(resource, 'uid') || text(resource, 'name'));
  });
  return names.length === 0 ? [target.name] : names;
}

/** Resources and packages of one finding multiply. */
const MAX_MEMBERS = 200;

function bounded(members: List): List {
  if (members.length > MAX_MEMBERS) throw new Unreadable('', `must hold ${MAX_MEMBERS} members at most`);
  return members;
}
