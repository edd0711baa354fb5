import type { Coverage, Format, Target } from '../report.js';
import type { Draft } from './draft.js';
import type { Fields } from './fields.js';
import {
  field,
  fieldsIn,
  fieldsOf,
  firstOf,
  flag,
  has,
  instant,
  isFields,
  list,
  OldestOf,
  optionalNumber,
  optionalText,
  resourceName,
  step,
  text,
  texts,
  Unreadable,
} from './fields.js';
import { addComponents } from './cyclonedx.js';
import { detectObjects, eachObject, type KubernetesObject } from './kubernetes.js';
import type { ClusterScope } from './targets.js';
import { CLUSTER, clusterScope } from './targets.js';
import { readCompliance } from './trivy-operator-compliance.js';
import {
  canonicalCheckId,
  END_OF_LIFE,
  packageMessage,
  packagePart,
  trivySeverity,
  quotesValues,
} from './trivy-results.js';

const SLUG = 'trivy-operator';
const GROUP = 'aquasecurity.github.io';

/** What is read of an object's report, by its kind. */
type Reader = (draft: Draft, place: Place, report: Fields, pointer: string) => void;

/**
 * Each kind is a source of its own, `trivy/<kind>`: a list of objects is of one kind, so it must not close what another kind says. Their first part is the
 * tool, so that the catalogue's mapping of Trivy's checks applies.
 */
const READERS: Readonly<Record<string, Reader>> = {
  VulnerabilityReport: readImage,
  ClusterVulnerabilityReport: readComponents,
  ExposedSecretReport: readSecrets,
  ConfigAuditReport: readChecks,
  ClusterConfigAuditReport: readChecks,
  RbacAssessmentReport: readChecks,
  ClusterRbacAssessmentReport: readChecks,
  InfraAssessmentReport: readChecks,
  ClusterInfraAssessmentReport: readChecks,
  SbomReport: (draft, place, report, pointer) => readBill(draft, place, report, pointer, imageOf(report)),
  ClusterSbomReport: (draft, place, report, pointer) => readBill(draft, place, report, pointer, CLUSTER),
};

/** Roles and cluster roles are judged by the same checks: without either of them nobody has seen all that a check is about, so they are one source. */
const RBAC = { kinds: ['RbacAssessmentReport', 'ClusterRbacAssessmentReport'], source: 'trivy/rbacassessmentreport' };

const COMPLIANCE = 'ClusterComplianceReport';

/** Silence vouches for no check: an object does not say how many were evaluated. */
const OF_ALL_CHECKS = { checks: null, silentPass: [] };

/** The reports that Trivy Operator keeps as objects of the cluster. */
export const trivyOperator: Format = {
  slug: SLUG,
  title: 'Trivy Operator',
  tool: 'trivy',
  description:
    `Report objects of ${GROUP}/v1alpha1 as JSON or YAML: one, several documents, a List, or lists by the names of their CRDs. Vulnerabilities and ` +
    'secrets are about the image (by its digest where the object has one), checks about the cluster. There is an object per workload, so they close nothing ' +
    'unless the poster declares the cluster (all objects of that kind are there; of RBAC those of roles and of cluster roles) or namespaces (which close ' +
    'nothing of images, for others may run them too). Of a compliance report only what has findings counts: a control that passed and one that nobody ' +
    'looked at are written alike. Components of software bills of materials are facts about their image, or about the cluster. The time is that of the oldest object.',

  yields: ['results', 'facts'],
  targets: ['cluster', 'namespace'],

  detect(document) {
    return isByCrd(document) || detectObjects(document, ({ group, kind }) => group === GROUP && isRead(kind));
  },

  read(document, draft) {
    const scope = clusterScope(draft.declared, SLUG, null);
    const made = new OldestOf();
    const kinds = new Set<string>();
    const read = (object: KubernetesObject): void => {
      kinds.add(object.kind);
      made.add(readObject(draft, scope, object));
    };
    if (isByCrd(document)) {
      const byCrd = fieldsOf(document);
      for (const name of Object.keys(byCrd)) {
        draft.attempt(step(name), null, (at) => eachObject(draft, list(byCrd, name), read, at));
      }
    } else {
      eachObject(draft, document, read);
    }
    draft.observedAt = made.instant;
    const rbac = RBAC.kinds.filter((kind) => kinds.has(kind));
    if (rbac.length === 1 && scope.targetOf(null).extent === 'complete') {
      draft.cover({ target: CLUSTER, source: RBAC.source, extent: 'partial', ...OF_ALL_CHECKS });
      draft.note('Reports of roles without those of cluster roles, or these without those, are not taken as complete.');
    }
  },
};

const isRead = (kind: string): boolean => Object.hasOwn(READERS, kind) || kind === COMPLIANCE;

/** An export of several kinds as one object: `{"vulnerabilityreports.aquasecurity.github.io": [objects], …}`. */
function isByCrd(document: unknown): boolean {
  if (!isFields(document)) return false;
  const names = Object.keys(document);
  return names.length > 0 && names.every((name) => name.endsWith(`reports.${GROUP}`));
}

/** Reads one object; returns when it was made. */
function readObject(draft: Draft, scope: ClusterScope, { object, group, kind, pointer }: KubernetesObject) {
  if (group !== GROUP || !isRead(kind)) {
    throw new Unreadable('/kind', `is no report of ${GROUP} that is known here`);
  }
  if (kind === COMPLIANCE) {
    readCompliance(draft, scope, object, pointer);
    return instant(field(fieldsIn(object, 'status'), 'updateTimestamp'));
  }
  const report = fieldsIn(object, 'report');
  const scanner = optionalText(fieldsIn(report, 'scanner'), 'version');
  if (scanner !== '') draft.toolVersion ??= scanner;
  READERS[kind]?.(draft, placeOf(scope, object, kind), report, `${pointer}/report`);
  return instant(field(report, 'updateTimestamp'));
}

/** What a report object is about. */
interface Place {
  source: string;
  namespace: string | null;
  /** The workload, role or node. */
  resource: string;
  /** Of a workload the container whose image it is; "" where it is about all of it. */
  container: string;
  /** Of what is said of the resource in the cluster. */
  own: { target: Target; extent: Coverage['extent'] };
  /** Of what is said of its image: other namespaces may run the same one, so it is complete only with the whole cluster. */
  everywhere: Coverage['extent'];
}

/** Labels name the resource; a name that is no label (too long, or with a `:`) is an annotation. */
function placeOf(scope: ClusterScope, object: Fields, kind: string): Place {
  const metadata = fieldsIn(object, 'metadata');
  const labels = fieldsIn(metadata, 'labels');
  const first = firstOf(list(metadata, 'ownerReferences'));
  const owner = isFields(first) ? first : {};
  // The API server answers for the namespace of an object, nobody for a label.
  const namespace =
    optionalText(metadata, 'namespace') || optionalText(labels, 'trivy-operator.resource.namespace') || null;
  const name =
    optionalText(labels, 'trivy-operator.resource.name') ||
    optionalText(fieldsIn(metadata, 'annotations'), 'trivy-operator.resource.name') ||
    optionalText(owner, 'name');
  const ofKind = optionalText(labels, 'trivy-operator.resource.kind') || optionalText(owner, 'kind');
  if (name === '' || ofKind === '') throw new Unreadable('/metadata/labels', 'do not say what the report is about');
  return {
    source: RBAC.kinds.includes(kind) ? RBAC.source : `trivy/${kind.toLowerCase()}`,
    namespace,
    resource: resourceName(namespace, '', ofKind, name),
    container: optionalText(labels, 'trivy-operator.container.name'),
    own: scope.targetOf(namespace),
    everywhere: scope.targetOf(null).extent,
  };
}

/** Checks of a resource; failures only, unless the operator was told to keep the others. */
function readChecks(draft: Draft, place: Place, report: Fields, pointer: string): void {
  const { source, namespace, resource } = place;
  const { target, extent } = place.own;
  const checks = list(report, 'checks');
  let failures = 0;
  draft.rows(checks, `${pointer}/checks`, { target, source }, (row) => {
    const passed = flag(row, 'success');
    if (!passed) failures++;
    draft.add({
      target,
      source,
      check: canonicalCheckId(text(row, 'checkID')),
      resource,
      namespace,
      title: optionalText(row, 'title'),
      status: passed ? 'pass' : 'fail',
      severity: trivySeverity(row, 'severity'),
      message: quotesValues(canonicalCheckId(text(row, 'checkID'))) ? '' : texts(row, 'messages').join('\n'),
    });
  });
  draft.cover({ target, source, extent: isWhole(draft, report, failures) ? extent : 'partial', ...OF_ALL_CHECKS });
}

/** Vulnerabilities of one image, as one container runs it. */
function readImage(draft: Draft, place: Place, report: Fields, pointer: string): void {
  readVulnerabilities(draft, place, report, pointer, imageOf(report), [place.resource, place.container]);
}

/** Vulnerabilities of what the cluster itself is made of: its version is written in the place of an image. */
function readComponents(draft: Draft, place: Place, report: Fields, pointer: string): void {
  readVulnerabilities(draft, place, report, pointer, CLUSTER, [imageOf(report).name]);
}

function readVulnerabilities(
  draft: Draft,
  { source, namespace, everywhere }: Place,
  report: Fields,
  pointer: string,
  target: Target,
  within: readonly string[],
): void {
  if (field(fieldsIn(report, 'os'), 'eosl') === true) draft.note(END_OF_LIFE);
  const vulnerabilities = list(report, 'vulnerabilities');
  draft.rows(vulnerabilities, `${pointer}/vulnerabilities`, { target, source }, (row) => {
    const check = text(row, 'vulnerabilityID');
    const name = text(row, 'resource');
    const version = optionalText(row, 'installedVersion');
    const purl = optionalText(row, 'packagePURL');
    const file = optionalText(row, 'target');
    const path = optionalText(row, 'packagePath') || (optionalText(row, 'class') === 'lang-pkgs' ? file : '');
    const part = purl === '' ? packagePart(path || file, `${name}@${version}`) : packagePart(path, purl);
    draft.add({
      target,
      source,
      check,
      resource: [...within, part].filter((name) => name !== '').join('#'),
      namespace,
      title: optionalText(row, 'title') || check,
      status: 'fail',
      severity: trivySeverity(row, 'severity'),
      message: packageMessage(name, version, optionalText(row, 'fixedVersion'), ''),
    });
  });
  const extent = isWhole(draft, report, vulnerabilities.length) ? everywhere : 'partial';
  draft.cover({ target, source, extent, ...OF_ALL_CHECKS });
}

/** Secrets in one image, as one container runs it. Their text, masked or not, stays in the evidence. */
function readSecrets(draft: Draft, place: Place, report: Fields, pointer: string): void {
  const { source, namespace, resource, container, everywhere } = place;
  const target = imageOf(report);
  const secrets = list(report, 'secrets');
  draft.rows(secrets, `${pointer}/secrets`, { target, source }, (row) => {
    if (has(row, 'match')) draft.note('The text of secrets was dropped.');
    draft.add({
      target,
      source,
      check: text(row, 'ruleID'),
      resource: [resource, container, text(row, 'target')].filter((name) => name !== '').join('#'),
      namespace,
      title: optionalText(row, 'title'),
      status: 'fail',
      severity: trivySeverity(row, 'severity'),
      message: '',
    });
  });
  const extent = isWhole(draft, report, secrets.length) ? everywhere : 'partial';
  draft.cover({ target, source, extent, ...OF_ALL_CHECKS });
}

/** What is in one image, or what the cluster itself is made of. Of an image that several containers run there are as many bills, which say the same. */
function readBill(draft: Draft, { source, everywhere }: Place, report: Fields, pointer: string, target: Target): void {
  const scope = { target, source };
  draft.attempt(`${pointer}/components`, scope, (at) => {
    const bill = fieldsIn(report, 'components');
    // It counts what it is about, too.
    const counted = optionalNumber(fieldsIn(report, 'summary'), 'componentsCount') ?? Infinity;
    const isWhole = counted <= list(bill, 'components').length + 1;
    if (!isWhole) draft.note('A bill of materials counts more components than it lists, or does not count them.');
    draft.cover({ ...scope, extent: isWhole ? everywhere : 'partial', ...OF_ALL_CHECKS });
    addComponents(draft, scope, bill, at);
  });
}

/** `registry/repository@digest`, or by its tag where the object has no digest. */
function imageOf(report: Fields): Target {
  const artifact = fieldsIn(report, 'artifact');
  const repository = text(artifact, 'repository');
  const digest = optionalText(artifact, 'digest');
  const tag = optionalText(artifact, 'tag');
  const server = optionalText(fieldsIn(report, 'registry'), 'server');
  const version = digest === '' ? tag && `:${tag}` : `@${digest}`;
  return { kind: 'image', name: `${server && `${server}/`}${repository}${version}` };
}

/** Whether the object lists as many failures as it counts; where it does not count them, nothing shows it whole. */
function isWhole(draft: Draft, report: Fields, listed: number): boolean {
  const summary = field(report, 'summary');
  if (!isFields(summary)) {
    draft.note('A report has no summary that would show it whole.');
    return false;
  }
  const counted = ['critical', 'high', 'medium', 'low', 'unknown'].reduce(
    (total, severity) => total + (optionalNumber(summary, `${severity}Count`) ?? 0),
    0,
  );
  if (counted > listed) draft.note('A summary counts more failures than its report lists.');
  return counted <= listed;
}
