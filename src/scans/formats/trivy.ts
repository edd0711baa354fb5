import type { Format, Target } from '../report.js';
import { ReportFault } from '../report.js';
import { isList, type List } from '../text/lazy-list.js';
import type { Draft } from './draft.js';
import type { Fields } from './fields.js';
import { field, fieldsIn, fieldsOf, firstOf, has, instant, isFields, list, optionalText, texts } from './fields.js';
import { declaredArtifact, imageTarget, wholeRepository } from './targets.js';
import { END_OF_LIFE, FILTERED_RUNS, readTrivyResults } from './trivy-results.js';

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
    target: declaredArtifact(draft.declared),
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
    draft.note(END_OF_LIFE);
  }
  readTrivyResults(draft, list(report, 'Results'), '/Results', {
    target: artifactTarget(draft, report, metadata),
    extent: 'complete',
    namespace: null,
    within: '',
  });
}

function artifactTarget(draft: Draft, report: Fields, metadata: Fields): Target {
  const { declared } = draft;
  const name = optionalText(report, 'ArtifactName');
  switch (optionalText(report, 'ArtifactType')) {
    case 'container_image':
      return imageTarget(draft, {
        digests: texts(metadata, 'RepoDigests'),
        name,
        tags: texts(metadata, 'RepoTags'),
        id: optionalText(metadata, 'ImageID'),
      });
    case 'filesystem':
    case 'repository':
      return wholeRepository(declared, name, SLUG);
    default:
      // A bill of materials, a machine, a cloud account: what it stands for only the poster knows.
      return declaredArtifact(declared);
  }
}
