import type { Format, Severity, Target } from '../report.js';
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
  optionalText,
  slug,
  text,
  texts,
} from './fields.js';
import { declaredArtifact, imageTarget, wholeRepository } from './targets.js';
import { packageMessage, packagePart } from './trivy-results.js';

const SLUG = 'grype';
const SOURCE = 'grype/vulnerability';

/** Grype's report of an image, a directory or a bill of materials. */
export const grype: Format = {
  slug: SLUG,
  title: 'Grype',
  tool: 'grype',
  description:
    'JSON of `grype -o json`. Complete for the image or repository, unless it says that something was left out (`only-fixed`, `exclude` …) or does not tell its configuration, its ' +
    'database was not valid, the distribution of an image is not known, or Grype warns of packages (`alertsByPackage`). An image is named by its digest where the report has one. Matches that Grype was told to ignore are warnings: exceptions are ' +
    'approved in Safeguard. Of anything but images and directories the poster has to say what it stands for.',

  yields: ['results'],
  targets: ['image', 'repository'],

  detect(document) {
    return (
      isFields(document) && isList(field(document, 'matches')) && has(document, 'source') && has(document, 'descriptor')
    );
  },

  read(document, draft) {
    const report = fieldsOf(document);
    const descriptor = fieldsIn(report, 'descriptor');
    draft.toolVersion = optionalText(descriptor, 'version') || null;
    draft.observedAt = instant(field(descriptor, 'timestamp'));
    const target = targetOf(draft, report);
    const scope = { target, source: SOURCE };
    draft.cover({
      ...scope,
      extent: isWhole(draft, descriptor) && isCovered(draft, report, target) ? 'complete' : 'partial',
      checks: null,
      silentPass: [],
    });

    draft.rows(list(report, 'matches'), '/matches', scope, (match) => addMatch(draft, target, match, null));
    draft.rows(list(report, 'ignoredMatches'), '/ignoredMatches', scope, (match) => {
      addMatch(draft, target, match, ignoredBecause(match));
    });
  },
};

function targetOf(draft: Draft, report: Fields): Target {
  const source = fieldsIn(report, 'source');
  const of = field(source, 'target');
  switch (optionalText(source, 'type')) {
    case 'image': {
      const image = fieldsOf(of);
      return imageTarget(draft, {
        digests: texts(image, 'repoDigests'),
        name: optionalText(image, 'userInput'),
        tags: [...texts(image, 'tags'), optionalText(image, 'manifestDigest')],
        id: optionalText(image, 'imageID'),
      });
    }
    case 'directory':
    case 'file':
      return wholeRepository(draft.declared, typeof of === 'string' ? of : '.', SLUG);
    default:
      return declaredArtifact(draft.declared);
  }
}

/** Settings that leave matches out of the report; `true`, a list or a text where they are set. */
const FILTERS: readonly string[] = ['only-fixed', 'only-notfixed', 'ignore-wontfix', 'exclude'];

/**
 * Whether all of the target was matched against a valid database, and the report tells so: version 0.7.0 tells neither. The database's
 * status lies in `db` itself, since database version 6 in `db.status`.
 */
function isWhole(draft: Draft, descriptor: Fields): boolean {
  const configuration = field(descriptor, 'configuration');
  const db = field(descriptor, 'db');
  const isTold = isFields(configuration) && isFields(db);
  if (!isTold)
    draft.note('The report does not tell what Grype was told to leave out, or whether its database was valid.');
  const filters = isFields(configuration) ? FILTERS.filter((name) => isSet(field(configuration, name))) : [];
  if (filters.length > 0) draft.note(`Grype was told to leave matches out (${filters.join(', ')}).`);
  const isValid = !isFields(db) || isValidDatabase(db);
  if (!isValid) draft.note("Grype's database was not valid.");
  return isTold && filters.length === 0 && isValid;
}

function isValidDatabase(db: Fields): boolean {
  const status = has(db, 'status') ? fieldsIn(db, 'status') : db;
  return field(status, 'valid') !== false && !isSet(field(status, 'error'));
}

/**
 * Whether all packages were looked for in the database, as far as the report tells: without the distribution of an image none of its operating system is, and later
 * versions name the packages of which the distribution is unknown, past its end or not in the database.
 */
function isCovered(draft: Draft, report: Fields, { kind }: Target): boolean {
  const isUnknown = kind === 'image' && optionalText(fieldsIn(report, 'distro'), 'name') === '';
  if (isUnknown) {
    draft.note('The distribution of the image is not known, so packages of its operating system were not matched.');
  }
  const isWarned = isSet(field(report, 'alertsByPackage'));
  if (isWarned) draft.note('Grype warns that packages could not be matched as they should.');
  return !isUnknown && !isWarned;
}

function isSet(value: unknown): boolean {
  if (isList(value)) return value.length > 0;
  return value !== undefined && value !== null && value !== false && value !== '';
}

/** Reads one match. `ignored`: why it is in the list of those that Grype was told to ignore. */
function addMatch(draft: Draft, target: Target, match: Fields, ignored: string | null): void {
  const vulnerability = fieldsIn(match, 'vulnerability');
  const artifact = fieldsIn(match, 'artifact');
  const fix = fieldsIn(vulnerability, 'fix');
  const check = text(vulnerability, 'id');
  const name = text(artifact, 'name');
  const version = optionalText(artifact, 'version');
  const message = packageMessage(name, version, texts(fix, 'versions').join(', '), stateOf(fix));
  draft.add({
    target,
    source: SOURCE,
    check,
    resource: packagePart(pathOf(artifact), optionalText(artifact, 'purl') || `${name}@${version}`),
    namespace: null,
    title: check,
    status: ignored === null ? 'fail' : 'warn',
    severity: severityOf(vulnerability),
    message: ignored === null ? message : `ignored in the scan${ignored && ` (${ignored})`}: ${message}`,
  });
}

/** What the vendor means to do; `fixed` and `unknown` say no more than the versions do. */
function stateOf(fix: Fields): string {
  const state = optionalText(fix, 'state');
  return state === 'not-fixed' || state === 'wont-fix' ? state : '';
}

/** Packages of an operating system lie in its one database: the file adds nothing. */
const OF_SYSTEM: readonly string[] = ['apk', 'deb', 'rpm', 'alpm', 'portage'];

function pathOf(artifact: Fields): string {
  if (OF_SYSTEM.includes(optionalText(artifact, 'type'))) return '';
  const first = firstOf(list(artifact, 'locations'));
  return isFields(first) ? optionalText(first, 'path') : '';
}

/** Why the first rule ignores it, as far as that is no free text: what people write as a reason stays in the evidence. */
function ignoredBecause(match: Fields): string {
  const rule = firstOf(list(match, 'appliedIgnoreRules'));
  if (!isFields(rule)) return '';
  const vex = optionalText(rule, 'vex-status');
  const state = optionalText(rule, 'fix-state');
  if (vex !== '') return `VEX: ${slug(vex)}`;
  return state && `fix state: ${slug(state)}`;
}

const SEVERITIES: Readonly<Record<string, Severity>> = {
  critical: 'critical',
  high: 'high',
  medium: 'medium',
  low: 'low',
  negligible: 'info',
};

function severityOf(vulnerability: Fields): Severity {
  const name = optionalText(vulnerability, 'severity').toLowerCase();
  return (Object.hasOwn(SEVERITIES, name) ? SEVERITIES[name] : undefined) ?? 'unknown';
}
