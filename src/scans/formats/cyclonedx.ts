import type { CheckStatus, Format, Severity, Target } from '../report.js';
import { ReportFault } from '../report.js';
import type { List } from '../text/lazy-list.js';
import {
  imageOfContainer,
  imageOfPurl,
  imageOfReference,
  inventoryTarget,
  withoutCredentials,
  type Image,
} from './artifacts.js';
import type { Draft, Scope } from './draft.js';
import {
  field,
  fieldsIn,
  fieldsOf,
  firstOf,
  instant,
  isFields,
  list,
  optionalNumber,
  optionalText,
  slug,
  some,
  text,
  Unreadable,
  type Fields,
} from './fields.js';
import { assertKinds, clusterScope } from './targets.js';

const SLUG = 'cyclonedx';

/** Versions in JSON; each only adds to the one before. */
const VERSIONS = /^1\.[2-7]$/;

/** Components that vulnerabilities may point at: their names are held while the report is read. */
const MAX_REFERENCED = 500_000;

/** An inventory of an image, a repository or a cluster, with the vulnerabilities of what is in it. */
export const cycloneDx: Format = {
  slug: SLUG,
  title: 'CycloneDX',
  tool: SLUG,
  description:
    'CycloneDX 1.2 to 1.7 in JSON. Each component, nested ones too, is a fact about the image that `metadata.component` names by digest, about the ' +
    'cluster (KBOM), or else about the image or repository that the poster declares. Complete for the components, unless `compositions` ' +
    'say otherwise; of a cluster only where the poster declares it. Vulnerabilities fail, if their analysis does not say that they do not apply ' +
    '(skip). Of several ratings that of the source that names the vulnerability stands, else the worst. A file does not say whether all ' +
    'vulnerabilities were looked for: where it lists some and the poster declares the target, those that are not listed any more are ' +
    'closed; a file that lists none closes none. VEX without components closes nothing, and changes no row of a scan.',

  yields: ['results', 'facts'],
  targets: ['image', 'repository', 'cluster'],

  detect: (document) => isFields(document) && field(document, 'bomFormat') === 'CycloneDX',

  read(document, draft) {
    const bom = fieldsOf(document);
    if (!VERSIONS.test(optionalText(bom, 'specVersion'))) {
      throw new ReportFault('malformed-report', 'Of CycloneDX the versions 1.2 to 1.7 are known.', {
        pointer: '/specVersion',
      });
    }
    const metadata = fieldsIn(bom, 'metadata');
    const tool = toolOf(metadata);
    draft.toolVersion = tool.version;
    draft.observedAt = instant(field(metadata, 'timestamp'));
    const { target, isWhole } = subjectOf(draft, fieldsIn(metadata, 'component'));

    const source = `${SLUG}/${slug(tool.name)}`;
    const vulnerabilities = list(bom, 'vulnerabilities');
    const inventory = new Inventory(draft, { target, source }, vulnerabilities.length > 0);
    const subject = fieldsIn(metadata, 'component');
    inventory.refer(optionalText(subject, 'bom-ref'), { subject: target.name, label: '' });
    inventory.readAll(list(subject, 'components'), '/metadata/component/components');
    inventory.readAll(list(bom, 'components'), '/components');
    const { hasComponents } = inventory;
    if (hasComponents) {
      const isComplete = isWhole && !some(list(bom, 'compositions'), isIncomplete);
      draft.cover({ target, source, extent: isComplete ? 'complete' : 'partial', checks: null, silentPass: [] });
    }
    if (vulnerabilities.length === 0) return;
    const scope = { target, source: `${source}/${hasComponents ? 'vulnerability' : 'vex'}` };
    // A vulnerability is known by the components that it affects: where one could not be read, it may be another.
    const isComplete = hasComponents && draft.declared.targets.length > 0 && draft.rejected === 0;
    draft.cover({ ...scope, extent: isComplete ? 'complete' : 'partial', checks: null, silentPass: [] });
    if (!hasComponents) draft.note('A VEX document: it says what applies, and not what there is. It closes nothing.');
    draft.rows(vulnerabilities, '/vulnerabilities', scope, (row, at) => {
      addVulnerability(draft, scope, inventory, row, at);
    });
  },
};

/** `tools` is a list up to 1.4, and still may be; since 1.5 it has lists of components and services. */
function toolOf(metadata: Fields): { name: string; version: string | null } {
  const value = field(metadata, 'tools');
  const tools = isFields(value) ? list(value, 'components') : list(metadata, 'tools');
  const tool = fieldsOf(firstOf(tools) ?? {});
  return { name: optionalText(tool, 'name'), version: optionalText(tool, 'version') || null };
}

/** What the document is about, and whether it is known to be about all of it. */
function subjectOf(draft: Draft, component: Fields): { target: Target; isWhole: boolean } {
  const properties = propertiesOf(component);
  const isCluster =
    optionalText(component, 'type') === 'platform' &&
    (optionalText(component, 'purl').startsWith('pkg:k8s/') ||
      properties.some(({ name, value }) => /:(resource:Type|component:type)$/i.test(name) && value === 'cluster'));
  if (isCluster) {
    draft.clusterName = properties.find(({ name }) => /:resource:Name$/.test(name))?.value ?? null;
    const { target, extent } = clusterScope(draft.declared, SLUG, draft.clusterName).targetOf(null);
    return { target, isWhole: extent === 'complete' };
  }
  assertKinds(draft.declared, ['image', 'repository'], SLUG);
  return { target: inventoryTarget(draft.declared, imageOf(component, properties)), isWhole: true };
}

interface Property {
  name: string;
  value: string;
}

/** More has no tool to say of one component. */
const MAX_PROPERTIES = 1_000;

function propertiesOf(component: Fields): Property[] {
  const properties = list(component, 'properties');
  if (properties.length > MAX_PROPERTIES) {
    throw new Unreadable('/metadata/component/properties', `must hold ${MAX_PROPERTIES} members at most`);
  }
  return Array.from(properties, (property) => ({
    name: optionalText(fieldsOf(property), 'name'),
    value: optionalText(fieldsOf(property), 'value'),
  }));
}

/** The image by its digest: Trivy says it as a property, package URL and `bom-ref`, Syft as the version, others as a hash. Null where nothing does. */
function imageOf(component: Fields, properties: readonly Property[]): Image | null {
  const property = properties.find(({ name }) => name.endsWith(':RepoDigest'))?.value;
  const named =
    imageOfReference(property ?? '') ??
    imageOfPurl(optionalText(component, 'purl')) ??
    imageOfPurl(optionalText(component, 'bom-ref'));
  if (named !== null || optionalText(component, 'type') !== 'container') return named;
  return imageOfContainer(optionalText(component, 'name'), optionalText(component, 'version'), sha256Of(component));
}

function sha256Of(component: Fields): string[] {
  const found: string[] = [];
  for (const value of list(component, 'hashes')) {
    const hash = fieldsOf(value);
    if (field(hash, 'alg') === 'SHA-256' && found.length < MAX_DIGESTS) found.push(optionalText(hash, 'content'));
  }
  return found;
}

/** Two are too many already. */
const MAX_DIGESTS = 10;

function isIncomplete(composition: unknown): boolean {
  return !isFields(composition) || field(composition, 'aggregate') !== 'complete';
}

/** The components of a document, and what vulnerabilities call them. */
class Inventory {
  hasComponents = false;
  readonly #referenced = new Map<string, Component>();

  constructor(
    private readonly draft: Draft,
    private readonly scope: Scope,
    private readonly isReferenced: boolean,
  ) {}

  readAll(components: List, pointer: string): void {
    this.draft.rows(components, pointer, this.scope, (row, at) => {
      this.hasComponents = true;
      // What is in it can be read even where it cannot itself.
      this.draft.attempt(at, this.scope, () => this.read(row));
      this.draft.attempt(at, this.scope, () => this.readAll(list(row, 'components'), `${at}/components`));
    });
  }

  /** What a vulnerability affects: of another document only the reference is known. */
  affected(reference: string): Component {
    return this.#referenced.get(reference) ?? { subject: withoutCredentials(reference), label: '' };
  }

  /** Takes what vulnerabilities call a component. */
  refer(reference: string, component: Component): void {
    if (!this.isReferenced || reference === '') return;
    if (this.#referenced.size >= MAX_REFERENCED) {
      throw new ReportFault(
        'too-many-results',
        `A report with vulnerabilities may hold ${MAX_REFERENCED} components; post it in parts.`,
      );
    }
    this.#referenced.set(reference, component);
  }

  private read(row: Fields): void {
    const group = optionalText(row, 'group');
    const name = [group, text(row, 'name')].filter((part) => part !== '').join('/');
    const version = optionalText(row, 'version');
    const type = optionalText(row, 'type');
    const purl = withoutCredentials(optionalText(row, 'purl'));
    const label = version === '' ? name : `${name}@${version}`;
    // A `bom-ref` is often random: only what stays the same from one document to the next can tell a component.
    const component = { subject: purl || [type, label].filter((part) => part !== '').join('/'), label };
    this.refer(optionalText(row, 'bom-ref'), component);
    this.draft.fact({
      ...this.scope,
      kind: 'image-component',
      subject: component.subject,
      namespace: null,
      value: {
        name,
        version: version || null,
        type: type || null,
        purl: purl || null,
        licenses: licensesOf(row),
      },
    });
  }
}

/** Takes the components of a bill that lies within a report of another format, which says what it is about. */
export function addComponents(draft: Draft, scope: Scope, bom: Fields, pointer: string): void {
  if (!cycloneDx.detect(bom)) throw new Unreadable('', 'must be a bill of materials of CycloneDX');
  new Inventory(draft, scope, false).readAll(list(bom, 'components'), `${pointer}/components`);
}

interface Component {
  subject: string;
  label: string;
}

const MAX_LICENSES = 50;
/** A name of a licence may be its whole text: then what it begins with. */
const LICENSE_NAME = 200;

function licensesOf(row: Fields): string[] {
  const found = new Set<string>();
  for (const value of list(row, 'licenses')) {
    const choice = fieldsOf(value);
    const license = fieldsIn(choice, 'license');
    const name = optionalText(choice, 'expression') || optionalText(license, 'id') || optionalText(license, 'name');
    if (name !== '') found.add(name.slice(0, LICENSE_NAME));
    if (found.size === MAX_LICENSES) break;
  }
  return [...found];
}

function addVulnerability(draft: Draft, scope: Scope, inventory: Inventory, row: Fields, at: string): void {
  const check = text(row, 'id');
  const analysis = fieldsIn(row, 'analysis');
  const state = optionalText(analysis, 'state');
  const status = statusOf(state);
  const severity = severityOf(row);
  const justification = optionalText(analysis, 'justification');
  const said = state === '' ? '' : `analysis ${state}${justification === '' ? '' : `: ${justification}`}`;
  const add = ({ subject, label }: Component): void =>
    draft.add({
      ...scope,
      check,
      resource: subject,
      namespace: null,
      title: check,
      status,
      severity,
      message: [label, said].filter((part) => part !== '').join('; '),
    });

  const affects = list(row, 'affects');
  if (affects.length === 0) add({ subject: scope.target.name, label: '' });
  draft.rows(affects, `${at}/affects`, scope, (affected) => add(inventory.affected(text(affected, 'ref'))));
}

/** Where nobody analysed it, it applies. */
function statusOf(state: string): CheckStatus {
  switch (state) {
    case '':
    case 'exploitable':
    case 'in_triage':
      return 'fail';
    case 'resolved':
    case 'resolved_with_pedigree':
    case 'false_positive':
    case 'not_affected':
      return 'skip';
    default:
      throw new Unreadable('/analysis/state', 'is no state that is known here');
  }
}

/** Worst first. */
const SEVERITIES: readonly Severity[] = ['critical', 'high', 'medium', 'low', 'info'];

/**
 * Ratings disagree. Whoever published the vulnerability rates it; where its source did not, or is not named, the worst of the others stands, so that no
 * rating that somebody adds makes it look better.
 */
function severityOf(row: Fields): Severity {
  const source = optionalText(fieldsIn(row, 'source'), 'name');
  let own = SEVERITIES.length;
  let others = SEVERITIES.length;
  for (const value of list(row, 'ratings')) {
    const rating = fieldsOf(value);
    const severity = ratedAs(rating);
    const rank = severity === 'unknown' ? SEVERITIES.length : SEVERITIES.indexOf(severity);
    const isOwn = source !== '' && optionalText(fieldsIn(rating, 'source'), 'name') === source;
    if (isOwn) own = Math.min(own, rank);
    else others = Math.min(others, rank);
  }
  return SEVERITIES[own] ?? SEVERITIES[others] ?? 'unknown';
}

function ratedAs(rating: Fields): Severity {
  const severity = optionalText(rating, 'severity');
  if (severity === 'none') return 'info';
  const known = SEVERITIES.find((word) => word === severity);
  if (known) return known;
  const score = optionalNumber(rating, 'score');
  return score === null ? 'unknown' : ofScore(optionalText(rating, 'method'), score);
}

/** The bands of CVSS 3 and 4; CVSS 2 ends with high. Other methods have scales of their own. */
function ofScore(method: string, score: number): Severity {
  if (!method.startsWith('CVSSv')) return 'unknown';
  if (score >= 9 && method !== 'CVSSv2') return 'critical';
  if (score >= 7) return 'high';
  if (score >= 4) return 'medium';
  return score > 0 ? 'low' : 'info';
}
