import type { CheckStatus, Coverage, Format, Severity, Target } from '../report.js';
import { isList, type List } from '../text/lazy-list.js';
import { withoutCredentials } from './artifacts.js';
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
  slug,
  text,
  texts,
  Unreadable,
} from './fields.js';
import { withoutPeople } from './people.js';
import { assertCluster, CLUSTER, declaredArtifact, imageTarget, repositoryTarget } from './targets.js';
import { packageMessage, packagePart } from './trivy-results.js';

const SLUG = 'sarif';

/** The Static Analysis Results Interchange Format, which many scanners write. */
export const sarif: Format = {
  slug: SLUG,
  title: 'SARIF',
  tool: SLUG,
  description:
    'Static Analysis Results Interchange Format 2.1.0, of one or several runs. A source is a tool (`sarif/<tool>`), and where a run names the category of its ' +
    'analysis this too. The image is read where the run names it (Trivy); of all else the poster has to say what was scanned. A run is complete for it, unless ' +
    'it says that it failed or that results lie elsewhere; one without a list of results proves nothing. A row is a rule on a file: of several results of ' +
    'one rule in one file the worst stands. Suppressed results are warnings: exceptions are approved in Safeguard. So is what Trivy has no words for (`No issues found`): ' +
    'it writes what passed (`--include-non-failures`) as if it had failed. Messages are not kept, for scanners of secrets quote what they found.',

  yields: ['results'],
  targets: ['image', 'repository', 'cluster'],

  detect(document) {
    if (!isFields(document) || !isList(field(document, 'runs'))) return false;
    const version = field(document, 'version');
    return typeof version === 'string' && /^2\.1\.0\b/.test(version);
  },

  read(document, draft) {
    const runs = list(fieldsOf(document), 'runs');
    const made = new OldestOf();
    draft.rows(runs, '/runs', null, (run, at) => {
      const driver = fieldsIn(fieldsIn(run, 'tool'), 'driver');
      if (runs.length === 1) {
        draft.toolVersion = optionalText(driver, 'semanticVersion') || optionalText(driver, 'version') || null;
      }
      if (!isList(field(run, 'results'))) {
        draft.note('A run without a list of results did not get as far as to have any.');
        return;
      }
      made.add(timeOf(run));
      readRun(draft, run, text(driver, 'name'), at);
    });
    draft.observedAt = made.instant;
  },
};

/** When the run ended, or at least began. */
function timeOf(run: Fields): string | null {
  const times = new OldestOf();
  for (const invocation of list(run, 'invocations')) {
    const of = fieldsOf(invocation);
    times.add(instant(field(of, 'endTimeUtc')) ?? instant(field(of, 'startTimeUtc')));
  }
  return times.instant;
}

function readRun(draft: Draft, run: Fields, tool: string, pointer: string): void {
  const { target, extent } = targetOf(draft, run);
  const scope = { target, source: sourceOf(run, tool) };
  draft.cover({ ...scope, extent: isWhole(draft, run) ? extent : 'partial', checks: null, silentPass: [] });

  const context: RunContext = { isTrivy: /^trivy\b/.test(slug(tool)), rules: rulesOf(run), files: null, run };
  draft.rows(list(run, 'results'), `${pointer}/results`, scope, (result) => {
    if (optionalText(result, 'baselineState') === 'absent') {
      draft.note('Results that are gone since the baseline are left out.');
      return;
    }
    const { check, rule } = ruleOf(context.rules, result);
    const said = context.isTrivy ? optionalText(fieldsIn(result, 'message'), 'text') : '';
    const found = packageIn(said);
    const status = statusOf(result);
    const line = optionalNumber(fieldsIn(physicalOf(result), 'region'), 'startLine');
    draft.add({
      ...scope,
      check,
      resource: packagePart(placeOf(context, result) || target.name, found?.part ?? ''),
      namespace: null,
      title: rule?.title || check,
      status: status === 'fail' && WITHOUT_WORDS.test(said) ? 'warn' : status,
      severity: severityOf(result, rule),
      message: found?.message ?? (line === null ? '' : `line ${line}`),
    });
  });
}

interface RunContext {
  run: Fields;
  isTrivy: boolean;
  rules: Rules;
  /** URIs of `run.artifacts`, once a result refers to one by its index. */
  files: string[] | null;
}

/** `sarif/tool`, and the category of the analysis, which is what stands before the last slash of its id: categories are scanned one by one. */
function sourceOf(run: Fields, tool: string): string {
  const id = optionalText(fieldsIn(run, 'automationDetails'), 'id');
  const category = id.slice(0, Math.max(id.lastIndexOf('/'), 0));
  return [SLUG, slug(tool), ...(category === '' ? [] : [slug(category)])].join('/');
}

function targetOf(draft: Draft, run: Fields): { target: Target; extent: Coverage['extent'] } {
  const { declared } = draft;
  const properties = fieldsIn(run, 'properties');
  const image = {
    digests: texts(properties, 'repoDigests'),
    name: optionalText(properties, 'imageName'),
    tags: texts(properties, 'repoTags'),
    id: optionalText(properties, 'imageID'),
  };
  if (image.name !== '' || image.digests.length > 0) return { target: imageTarget(draft, image), extent: 'complete' };

  const provenance = firstOf(list(run, 'versionControlProvenance'));
  const repository = isFields(provenance) ? withoutCredentials(optionalText(provenance, 'repositoryUri')) : '';
  if (repository !== '') {
    // A run over one folder names the same remote as one over all of them, so only the poster can say that it was the repository.
    const extent = declared.targets.length > 0 ? 'complete' : 'partial';
    return { target: repositoryTarget(declared, repository, SLUG), extent };
  }
  const target = declaredArtifact(declared);
  if (target.kind !== 'cluster') return { target, extent: 'complete' };
  assertCluster(target, null);
  return { target: CLUSTER, extent: 'complete' };
}

/** Whether the run got to its end and lists what it found: tools that do not say so are believed. */
function isWhole(draft: Draft, run: Fields): boolean {
  for (const invocation of list(run, 'invocations')) {
    const of = fieldsOf(invocation);
    let failed = has(of, 'executionSuccessful') && field(of, 'executionSuccessful') !== true;
    failed ||= optionalText(of, 'exitSignalName') !== '';
    // A rule that could not be configured did not run.
    for (const told of ['toolExecutionNotifications', 'toolConfigurationNotifications']) {
      for (const notification of list(of, told)) failed ||= optionalText(fieldsOf(notification), 'level') === 'error';
    }
    if (failed) {
      draft.note('A run says that it failed.');
      return false;
    }
  }
  if (has(fieldsIn(run, 'externalPropertyFileReferences'), 'results')) {
    draft.note('Results of a run lie in other files.');
    return false;
  }
  return true;
}

interface Rule {
  id: string;
  title: string;
  level: string;
  /** CVSS; null where the rule has none. */
  score: number | null;
}

interface Rules {
  driver: Rule[];
  extensions: Rule[][];
  byId: Map<string, Rule>;
}

function rulesOf(run: Fields): Rules {
  const tool = fieldsIn(run, 'tool');
  const rules: Rules = { driver: [], extensions: [], byId: new Map() };
  rules.driver = componentRules(list(fieldsIn(tool, 'driver'), 'rules'), rules.byId);
  for (const extension of list(tool, 'extensions')) {
    rules.extensions.push(componentRules(list(fieldsOf(extension), 'rules'), rules.byId));
  }
  return rules;
}

function componentRules(values: List, byId: Map<string, Rule>): Rule[] {
  const rules: Rule[] = [];
  for (const value of values) {
    const rule = readRule(fieldsOf(value));
    rules.push(rule);
    if (!byId.has(rule.id)) byId.set(rule.id, rule);
  }
  return rules;
}

/** Of its texts the short ones only: in the long one scanners of secrets quote what they found. */
function readRule(rule: Fields): Rule {
  const score = field(fieldsIn(rule, 'properties'), 'security-severity');
  return {
    id: optionalText(rule, 'id'),
    title: optionalText(fieldsIn(rule, 'shortDescription'), 'text') || optionalText(rule, 'name'),
    level: optionalText(fieldsIn(rule, 'defaultConfiguration'), 'level'),
    score: typeof score === 'number' || (typeof score === 'string' && /^\d/.test(score)) ? Number(score) : null,
  };
}

/**
 * The rule of a result: by its index in the driver or in an extension, else by its id, where `CA1000/1` is a case of `CA1000`. Throws `Unreadable` where
 * nothing says which one it is.
 */
function ruleOf(rules: Rules, result: Fields): { check: string; rule: Rule | undefined } {
  const reference = fieldsIn(result, 'rule');
  const id = optionalText(result, 'ruleId') || optionalText(reference, 'id');
  const index = optionalNumber(reference, 'index') ?? optionalNumber(result, 'ruleIndex') ?? -1;
  const component = fieldsIn(reference, 'toolComponent');
  const extension = optionalNumber(component, 'index') ?? -1;
  const isOfDriver = extension < 0 && Object.keys(component).length === 0;
  const listed = (isOfDriver ? rules.driver : rules.extensions[extension])?.[index];
  const check = id || listed?.id;
  if (!check) throw new Unreadable('/ruleId', 'nothing says of which rule the result is');
  const isOfId = listed !== undefined && (check === listed.id || check.startsWith(`${listed.id}/`));
  return { check, rule: isOfId ? listed : (rules.byId.get(check) ?? rules.byId.get(check.split('/')[0] ?? '')) };
}

/** What is no failure says so by its kind. What is suppressed is still there. */
function statusOf(result: Fields): CheckStatus {
  switch (has(result, 'kind') ? text(result, 'kind') : 'fail') {
    case 'fail':
      return isSuppressed(result) ? 'warn' : 'fail';
    case 'pass':
      return 'pass';
    case 'open':
      return 'warn';
    case 'review':
      return 'manual';
    case 'notApplicable':
    case 'informational':
      return 'skip';
    default:
      throw new Unreadable('/kind', 'is no kind that is known here');
  }
}

/** Suppressed is what somebody suppressed and nobody rejects or still reviews. */
function isSuppressed(result: Fields): boolean {
  const suppressions = list(result, 'suppressions');
  for (const suppression of suppressions) {
    const status = optionalText(fieldsOf(suppression), 'status');
    if (status !== '' && status !== 'accepted') return false;
  }
  return suppressions.length > 0;
}

const LEVELS: Readonly<Record<string, Severity>> = { error: 'high', warning: 'medium', note: 'low' };

/** By the rule's CVSS score, in the bands of CVSS 3; else by the level. `none` says that there is no such thing. */
function severityOf(result: Fields, rule: Rule | undefined): Severity {
  const score = rule?.score ?? 0;
  if (score >= 9) return 'critical';
  if (score >= 7) return 'high';
  if (score >= 4) return 'medium';
  if (score > 0) return 'low';
  const level = optionalText(result, 'level') || rule?.level || 'warning';
  return (Object.hasOwn(LEVELS, level) ? LEVELS[level] : undefined) ?? 'unknown';
}

function locationOf(result: Fields): Fields {
  const first = firstOf(list(result, 'locations'));
  return first === undefined ? {} : fieldsOf(first);
}

const physicalOf = (result: Fields): Fields => fieldsIn(locationOf(result), 'physicalLocation');

/**
 * The file, and what of it where the tool names that: lines move and are no name, and fingerprints may hold people (Gitleaks writes committers into them). ""
 * where the result has no place.
 */
function placeOf(context: RunContext, result: Fields): string {
  const artifact = fieldsIn(physicalOf(result), 'artifactLocation');
  const uri = optionalText(artifact, 'uri') || fileAt(context, optionalNumber(artifact, 'index'));
  const logical = firstOf(list(locationOf(result), 'logicalLocations'));
  const name = isFields(logical) ? optionalText(logical, 'fullyQualifiedName') || optionalText(logical, 'name') : '';
  return packagePart(withoutPeople(withoutCredentials(uri)), withoutPeople(name));
}

function fileAt(context: RunContext, index: number | null): string {
  if (index === null) return '';
  if (context.files === null) {
    context.files = Array.from(list(context.run, 'artifacts'), (artifact) =>
      optionalText(fieldsIn(fieldsOf(artifact), 'location'), 'uri'),
    );
  }
  return context.files[index] ?? '';
}

/** What Trivy says of a check that passed (`--include-non-failures`), which it writes as if it had failed, and of a failure that its check has no words for. */
const WITHOUT_WORDS = /^Message: No issues found$/m;

/** Trivy says package and versions in the message only, one a line. */
function packageIn(message: string): { part: string; message: string } | null {
  const [, name] = /^Package: (.+)$/m.exec(message) ?? [];
  if (name === undefined) return null;
  const [, version = ''] = /^Installed Version: (.+)$/m.exec(message) ?? [];
  const [, fixed = ''] = /^Fixed Version: (.+)$/m.exec(message) ?? [];
  return { part: `${name}@${version}`, message: packageMessage(name, version, fixed, '') };
}
