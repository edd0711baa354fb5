import {
  field,
  fieldsOf,
  has,
  instant,
  isFields,
  list,
  optionalText,
  text,
  texts,
  Unreadable,
  type Fields,
} from '../../src/scans/formats/fields.js';
import { repositoryTarget } from '../../src/scans/formats/targets.js';
import type { CheckStatus, Format } from '../../src/scans/report.js';

export const linter: Format = {
  slug: 'linter',
  title: 'Linter',
  tool: 'linter',
  description:
    'JSON of `linter --json`. It does not name its repository: pass targets=repository/NAME. Complete for the checks that it lists.',
  yields: ['results'],
  targets: ['repository'],

  detect(document) {
    return isFields(document) && has(document, 'linterVersion') && has(document, 'findings');
  },

  read(document, draft) {
    const report = fieldsOf(document);
    draft.toolVersion = text(report, 'linterVersion');
    draft.observedAt = instant(field(report, 'createdAt'));
    const target = repositoryTarget(draft.declared, optionalText(report, 'path'), 'linter');
    const scope = { target, source: 'linter' };
    draft.rows(list(report, 'findings'), '/findings', scope, (row) => {
      draft.add({
        ...scope,
        check: text(row, 'rule'),
        resource: text(row, 'file'),
        namespace: null,
        title: optionalText(row, 'title'),
        status: statusOf(row),
        severity: 'unknown',
        message: '',
      });
    });
    draft.cover({ ...scope, extent: 'complete', checks: texts(report, 'checks'), silentPass: [] });
  },
};

function statusOf(row: Fields): CheckStatus {
  switch (text(row, 'outcome')) {
    case 'ok':
      return 'pass';
    case 'violation':
      return 'fail';
    default:
      throw new Unreadable('/outcome', 'is no outcome that is known here');
  }
}
