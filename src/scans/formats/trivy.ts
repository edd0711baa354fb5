import type { Declared, Format, Target } from '../report.js';
import { ReportFault } from '../report.js';
import { isList, type List } from '../text/lazy-list.js';
import type { Draft } from './draft.js';
import type { Fields } from './fields.js';
import { field, fieldsIn, fieldsOf, firstOf, has, instant, isFields, list, optionalText, texts } from './fields.js';
import { assertKinds, repositoryTarget } from './targets.js';
import { FILTERED_RUNS, readTrivyResults } from './trivy-results.js';

const SLUG = 'trivy';

/** Trivy's report of one artifact: an image, a file system, a repository. */
export const trivy: Format = {
  slug: SLUG,
  title: 'Trivy: image, file system, repository, configuration',
  tool: 'trivy',
  description:
    'JSON of `trivy image|fs|repo|config --format json` (schema version 2) and the bare array of before v0.20. Complete for the classes of ' +
    'findings whose results are in the report. An image is named by its digest where the report has one. ' +
    FILTERED_RUNS,

  yields: ['results'],
  targets: ['image', 'repository'],

  detect(document) {
    if (isList(document)) return isLegacyResult(firstOf(document));
    return (
      isFields(document) &&
      has(document, 'SchemaVersion') &&
      (has(document, 'ArtifactName') || has(document, 'ArtifactType'))
    );
  },

  read(document, draft) {
    if (isList(document)) readLegacy(document, draft);
    else readCurrent(fieldsOf(document), draft);
  },
};

function isLegacyResult(value: unknown): boolean {
  return isFields(value) && typeof field(value, 'Target') === 'string' && !has(value, 'tests') && !has(value, 'kind');
}

/** Before v0.20 the report names neither the artifact nor its kind. */
function readLegacy(results: List, draft: Draft): void {
  readTrivyResults(draft, results, '', {
    target: declaredTarget(draft.declared),
    extent: 'complete',
    namespace: null,
    within: '',
  });
}

function readCurrent(report: Fields, draft: Draft): void {
  if (field(report, 'SchemaVersion') !== 2) {
    throw new ReportFault('malformed-report', 'Of Trivy reports only schema version 2 is known.', {
      pointer: '/SchemaVersion',
    });
  }
  draft.toolVersion = optionalText(fieldsIn(report, 'Trivy'), 'Version') || null;
  draft.observedAt = instant(field(report, 'CreatedAt'));
  const metadata = fieldsIn(report, 'Metadata');
  if (field(fieldsIn(metadata, 'OS'), 'EOSL') === true) {
    draft.note('The operating system gets no more security updates: that nothing is listed proves nothing.');
  }
  readTrivyResults(draft, list(report, 'Results'), '/Results', {
    target: artifactTarget(draft, report, metadata, draft.declared),
    extent: 'complete',
    namespace: null,
    within: '',
  });
}

function artifactTarget(draft: Draft, report: Fields, metadata: Fields, declared: Declared): Target {
  const name = optionalText(report, 'ArtifactName');
  switch (optionalText(report, 'ArtifactType')) {
    case 'container_image':
      return imageTarget(draft, name, metadata, declared);
    case 'filesystem':
    case 'repository':
      return repositoryTarget(declared, name, SLUG);
    default:
      // A bill of materials, a machine, a cloud account: what it stands for only the poster knows.
      return declaredTarget(declared);
  }
}

/** The digest names the image for ever, a tag only until the next push; the id of the configuration comes last, for no registry knows it. */
function imageTarget(draft: Draft, artifactName: string, metadata: Fields, declared: Declared): Target {
  assertKinds(declared, ['image'], SLUG);
  const digests = texts(metadata, 'RepoDigests').filter((digest) => digest !== '');
  const id = optionalText(metadata, 'ImageID');
  const names = [...digests, artifactName, ...texts(metadata, 'RepoTags'), id].filter((name) => name !== '');
  const name = digests[0] ?? (artifactName || id);
  const [first, second] = declared.targets;
  if (second) throw new ReportFault('target-mismatch', 'The report is about one image; declare one.');
  if (name === '') return declaredTarget(declared);
  if (first && !names.includes(first.name)) {
    throw new ReportFault('target-mismatch', 'The declared image is not the one that the report names.');
  }
  draft.note(
    digests.length > 0
      ? 'The image is named by its repository digest.'
      : `The report holds no repository digest; the image is named by its ${artifactName ? 'name' : 'id'}.`,
  );
  return { kind: 'image', name };
}

function declaredTarget(declared: Declared): Target {
  const [first, second] = declared.targets;
  if (second) throw new ReportFault('target-mismatch', 'The report is about one artifact; declare one.');
  if (first) return first;
  throw new ReportFault(
    'target-unknown',
    'The report does not say what was scanned: pass targets=image/NAME or targets=repository/NAME.',
  );
}
