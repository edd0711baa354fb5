import { describe, expect, it } from 'vitest';
import { catalog, faultsAfter, set, type Node } from '../../test/support/catalog-faults.js';
import { compileFields } from './fields.js';
import { loadRelease } from './load.js';

const listIn = (node: Node | undefined): Node[] => node as unknown as Node[];
const typeIn = (files: Record<string, Node>, section: string, type: string): Node =>
  listIn(files[`record-types/${section}.yaml`]?.['types']).find((one) => (one['type'] as unknown) === type)!;
const practiceIn = (files: Record<string, Node>, section: string, id: string): Node =>
  listIn(files[`practices/${section}.yaml`]?.['practices']).find((one) => (one['id'] as unknown) === id)!;
const controlIn = (files: Record<string, Node>, id: string): Node =>
  listIn(files['hipaa/controls.yaml']?.['controls']).find((one) => (one['id'] as unknown) === id)!;
const remove = (list: Node | undefined, type: string): void => {
  const items = listIn(list);
  items.splice(items.findIndex((one) => (one['type'] as unknown) === type), 1);
};

it('is there a type for everything that practices and items ask for, and an example of each?', () => {
  expect(catalog.recordTypes).toHaveLength(96);
  for (const { records } of [...catalog.practices, ...catalog.controls]) {
    for (const { type } of records) expect(catalog.recordType(type)).not.toBeNull();
  }
});

it.each([
  ['access_review', 'accounts'],
  ['identity_provider_export', 'people'],
  ['kms_access_review', 'administrators'],
  ['mfa_report', 'people'],
  ['redaction_test', 'lines'],
  ['integrity_check', 'objects'],
  ['vulnerability_scan', 'images'],
  ['image_secret_scan', 'images'],
  ['sbom', 'components'],
  ['workforce_coverage', 'people'],
])('does %s that looked at nothing prove anything? Not with 0 %s', (type, field) => {
  const { fields, example } = catalog.recordType(type)!;
  const check = (change: object) => compileFields(fields).safeParse({ ...example.fields, ...change });
  expect(check({}).success).toBe(true);
  expect(check({ [field]: 0 }).error?.issues.map(({ path }) => path)).toEqual([[field]]);
});

it('can an older release without types be read?', () => {
  const old = loadRelease('2026.11.3');
  expect(old.recordTypes).toEqual([]);
  expect(old.recordType('policy')).toBeNull();
  expect(old.control('164.404(a)')?.records).toEqual([]);
});

it('does an item say which records it asks for itself, with the days of their type?', () => {
  expect(catalog.control('164.314(a)(2)(i)(B)')?.records).toMatchObject([
    { type: 'baa', term: '314B', freshness: { maxAgeDays: null, basis: 'regulation' } },
  ]);
  expect(catalog.control('164.404(b)')?.records).toMatchObject([
    { type: 'breach_register', term: null, freshness: { maxAgeDays: 425 } },
  ]);
  const { practices, controls } = catalog.needsOf('baa');
  expect(practices.map(({ id }) => id)).toEqual(expect.arrayContaining(['vendor-oversight-baa', 'subcontractor-flow-down']));
  expect(controls).toHaveLength(19);
});

describe('does every item that needs a document have a way, and is it told when one is taken away?', () => {
  it.each([
    [
      'the statement of a practice that machines see in part',
      (f: Record<string, Node>) => delete practiceIn(f, 'network', 'ingress-reencryption')['evidence']!['records'],
      /its practice ingress-reencryption can never become evidenced/,
    ],
    [
      'the records of an item without a practice',
      (f: Record<string, Node>) => delete controlIn(f, '164.404(a)')['records'],
      /nothing could ever show it/,
    ],
    [
      'the checks of a practice that machines see whole',
      (f: Record<string, Node>) => {
        const fullyByMachine = 'no-privileged-containers';
        for (const [path, file] of Object.entries(f)) {
          if (path.startsWith('checks/')) {
            for (const check of listIn(file['checks'])) {
              if ((check['practice'] as unknown) === fullyByMachine) set(check, 'practice', 'run-as-non-root');
            }
          }
          if (!path.startsWith('mappings/')) continue;
          for (const check of listIn(file['checks'])) {
            const kept = listIn(check['practices'] ?? ([] as unknown as Node)).filter((id) => (id as unknown) !== fullyByMachine);
            if (check['practices'] === undefined) continue;
            set(check, 'practices', kept.length > 0 ? kept : ['run-as-non-root']);
          }
        }
      },
      /its practice no-privileged-containers can never become evidenced/,
    ],
  ])('%s', (_, breakIt, fault) => {
    expect(faultsAfter(breakIt).join('\n')).toMatch(fault);
  });
});

describe('is each kind of fault of a type told with its place?', () => {
  it.each<[string, (files: Record<string, Node>) => void, RegExp]>([
    ['a type that a practice asks for is gone', (f) => remove(f['record-types/contingency.yaml']!['types'], 'runbook'), /practices\[\d+\]\.evidence\.records\[0\]\.type: no record type runbook/],
    ['a type that nobody asks for', (f) => remove(practiceIn(f, 'hipaa-requirements', 'workforce-training')['evidence']!['records'], 'security_reminder'), /record-types\/workforce\.yaml: types\[1\]\.type: no practice/],
    ['a type twice', (f) => set(typeIn(f, 'keys', 'key'), 'type', 'vendor'), /"vendor" is already the name/],
    ['a section in another file', (f) => set(f['record-types/keys.yaml'], 'section', 'risk'), /"risk" belongs in record-types\/risk\.yaml/],
    ['a key that is not required', (f) => set(typeIn(f, 'agreements', 'vendor')['fields'], 'required', ['role', 'ephi', 'services']), /key: name is not required/],
    ['a subject that is no field', (f) => set(typeIn(f, 'contingency', 'restore_test'), 'each', 'nobody'), /each: nobody is no field of text/],
    ['age that counts from a text', (f) => set(typeIn(f, 'contingency', 'restore_test'), 'good_from', 'backup'), /good_from: backup is no day/],
    ['age that counts from what may be left out', (f) => set(typeIn(f, 'workforce', 'malware_procedure')['fields'], 'required', ['guarding']), /good_from: reviewedOn is not required/],
    ['an outcome that may be left out', (f) => set(typeIn(f, 'logging', 'integrity_check')['fields'], 'required', ['data', 'method', 'checkedAt', 'objects', 'mismatches']), /outcome\.field: result is not required/],
    ['a failing outcome that never is', (f) => set(typeIn(f, 'logging', 'integrity_check')['outcome'], 'fails', ['lost']), /outcome\.fails: result is never lost/],
    ['days by the regulation', (f) => set(typeIn(f, 'logging', 'integrity_check')['good_for'], 'basis', 'regulation'), /good_for\.basis: the regulation sets no number/],
    ['an end before a text', (f) => set(typeIn(f, 'logging', 'integrity_check'), 'not_before', [['data', 'checkedAt']]), /not_before\[0\]: data is no day/],
    ['an order of an entry that is not there', (f) => set(typeIn(f, 'access', 'elevation_log'), 'not_before', [['elevations[].from', 'elevations[].to']]), /not_before\[0\]: elevations\[\]\.to is no day/],
    ['an order of two lists', (f) => set(typeIn(f, 'logging', 'custody_log'), 'not_before', [['handedTo[].at', 'sent[].at']]), /not_before\[0\]: its fields are of two lists/],
    ['days that count from a text of another', (f) => set(typeIn(f, 'incidents', 'breach_assessment')['obliges']!['0'], 'or_earlier', { type: 'incident_record', field: 'number' }), /obliges\[0\]\.or_earlier\.field: number of incident_record is no day/],
    ['days that count from a type that is not there', (f) => set(typeIn(f, 'incidents', 'breach_assessment')['obliges']!['0'], 'or_earlier', { type: 'prayer', field: 'saidOn' }), /obliges\[0\]\.or_earlier\.type: no record type prayer/],
    ['a required field that is to be left out', (f) => set(typeIn(f, 'access', 'mfa_report'), 'holds', [{ says: 'So.', absent: ['people'] }]), /holds\[0\]\.absent: people is required/],
    ['people who differ and are none', (f) => set(typeIn(f, 'facilities', 'disposal_record'), 'holds', [{ says: 'So.', differ: [['what', 'witness']] }]), /holds\[0\]\.differ: what is no person/],
    ['a duty of a value that never is', (f) => set(typeIn(f, 'contingency', 'restore_test')['obliges']!['0']!['when'], 'result', ['lost']), /obliges\[0\]\.when\.result: result of restore_test is never lost/],
    ['a duty of a type that is not there', (f) => set(typeIn(f, 'contingency', 'restore_test')['obliges']!['0'], 'type', 'prayer'), /obliges\[0\]\.type: no record type prayer/],
    ['a condition that asks for nothing', (f) => set(typeIn(f, 'access', 'mfa_report'), 'holds', [{ says: 'So.', when: { result: ['gaps'] } }]), /holds\[0\]: it asks for nothing/],
    ['a condition where a value never is', (f) => set(typeIn(f, 'access', 'mfa_report'), 'holds', [{ says: 'So.', when: { result: ['lost'] }, present: ['exempt'] }]), /holds\[0\]\.when\.result: result of mfa_report is never lost/],
    ['a condition that wants a value that never is', (f) => set(typeIn(f, 'technical', 'tls_scan'), 'holds', [{ says: 'So.', are: { lowest: ['SSL 3'] } }]), /holds\[0\]\.are\.lowest: lowest of tls_scan is never SSL 3/],
    ['a condition of a field that is not there', (f) => set(typeIn(f, 'access', 'mfa_report'), 'holds', [{ says: 'So.', present: ['nobody'] }]), /holds\[0\]\.present: no field nobody/],
    ['a condition that counts a text', (f) => set(typeIn(f, 'access', 'mfa_report'), 'holds', [{ says: 'So.', between: { provider: [0, 1] } }]), /holds\[0\]: provider is no list and no number/],
    ['a condition that counts a number that may be left out', (f) => set(typeIn(f, 'contingency', 'restore_test'), 'holds', [{ says: 'So.', equal: [['measuredRtoMinutes', 'measuredRpoMinutes']] }]), /holds\[0\]: measuredRtoMinutes is no list and no number that is required/],
    ['a list that never holds what is asked', (f) => set(typeIn(f, 'incidents', 'notice'), 'holds', [{ says: 'So.', includes: { contents: ['poems'] } }]), /holds\[0\]\.includes\.contents: contents never holds poems/],
    ['a time from what is no day', (f) => set(typeIn(f, 'incidents', 'notice_delay'), 'holds', [{ says: 'So.', within: { from: 'agency', to: 'until', days: 30 } }]), /holds\[0\]\.within: agency is no day/],
    ['a failure by a value that never is', (f) => set(typeIn(f, 'contingency', 'immutability_evidence')['outcome'], 'or', { offSite: ['no'] }), /outcome\.or\.offSite: offSite of immutability_evidence is never no/],
    ['a failure by what may be left out', (f) => set(typeIn(f, 'contingency', 'immutability_evidence')['fields'], 'required', ['store', 'lock', 'lockDays', 'encryption', 'checkedOn']), /outcome\.or\.offSite: offSite is not required/],
    ['a duty by an item that is not judged', (f) => set(typeIn(f, 'incidents', 'breach_assessment')['obliges']!['0'], 'items', ['164.306(c)']), /obliges\[0\]\.items: no item 164\.306\(c\) that is judged/],
    ['a field that names records of no type', (f) => set(typeIn(f, 'keys', 'key_rotation_event')['fields']!['properties']!['key'], 'x-record', 'lock'), /fields\.properties\.key\.x-record: no record type lock/],
    ['an example that does not fit', (f) => set(typeIn(f, 'keys', 'key')['example']!['fields'], 'policyDays', 0), /example\.fields\.policyDays/],
    ['rules that nobody has', (f) => set(typeIn(f, 'keys', 'key'), 'rules', 'magic'), /types\[0\]\.rules/],
    ['rules beside what a machine says', (f) => set(typeIn(f, 'keys', 'key'), 'met_by', { facts: ['key'] }), /met_by: rules in code/],
    ['records that count for what they name, and name nothing', (f) => set(typeIn(f, 'logging', 'integrity_check'), 'counts_for', 'named'), /counts_for: no required field names practices/],
    ['counted in what is good for good', (f) => set(typeIn(f, 'incidents', 'notice'), 'counted_in', 'notice_delay'), /counted_in: records of notice_delay are good for good/],
    ['counted by no number and no list', (f) => set(typeIn(f, 'incidents', 'breach_register'), 'none', 'keptBy'), /none: keptBy is no number and no list/],
    ['counted in two places by one that asks', (f) => set(typeIn(f, 'incidents', 'notice'), 'counted_in', 'incident_register'), /counted in several places/],
    ['counted in itself', (f) => set(typeIn(f, 'incidents', 'notice'), 'counted_in', 'notice'), /counted_in: no other record type notice/],
    ['counted, beside rules in code', (f) => set(typeIn(f, 'keys', 'key'), 'counted_in', 'key_inventory'), /counted_in: rules in code/],
    ['asked for without what counts it', (f) => remove(practiceIn(f, 'gap', 'incident-response-plan')['evidence']!['records'], 'incident_register'), /type: incident_record is counted in incident_register, which is not asked for/],
    [
      'a duty that would fail nothing',
      (f) => {
        const says = { type: 'corrective_action', within_days: 1, from: 'performedOn', says: 'It is mended.' };
        set(typeIn(f, 'governance', 'evaluation'), 'obliges', [{ when: { trigger: ['periodic'] }, ...says }]);
        for (const [section, id] of [['gap', 'periodic-evaluation'], ['faq', 'continuous-monitoring']] as const) {
          set(listIn(practiceIn(f, section, id)['evidence']!['records'])[0], 'type', 'policy');
        }
      },
      /obliges\[0\]: nothing asks for corrective_action or evaluation/,
    ],
    ['a term that no agreement has', (f) => set(listIn(controlIn(f, '164.314(a)(2)(i)(A)')['records'])[0], 'term', '999'), /records\[0\]\.term: records of baa have no term 999/],
    ['records of an item that needs nothing', (f) => set(controlIn(f, '164.306(c)'), 'records', [{ type: 'policy', what: 'it' }]), /the item needs nothing/],
    ['more needs than posture keeps', (f) => set(controlIn(f, '164.404(a)'), 'records', ['policy', 'baa', 'notice', 'risk', 'vendor', 'key'].map((type) => ({ type, what: 'it' }))), /asks for more than 5 types/],
    ['a number of types that is not so', (f) => set(f['version.yaml']!['counts'], 'record_types', 92), /record_types: says 92, and there are 96/],
  ])('%s', (_, breakIt, fault) => {
    expect(faultsAfter(breakIt).join('\n')).toMatch(fault);
  });
});
