import type { CheckStatus, Format, Severity } from '../report.js';
import { BOUNDS, ReportFault } from '../report.js';
import { isList } from '../text/lazy-list.js';
import type { Draft } from './draft.js';
import { Evaluated } from './evaluated.js';
import { nullableText } from './fact-fields.js';
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
  Unreadable,
  type Fields,
} from './fields.js';
import { declaredTarget } from './targets.js';

const SLUG = 'hdf';
const KINDS = ['node', 'image', 'account', 'cluster', 'repository'] as const;

/** What InSpec found, in the JSON that the Heimdall Data Format took over. */
export const hdf: Format = {
  slug: SLUG,
  title: 'InSpec, HDF',
  tool: 'inspec',
  description:
    'JSON of `inspec exec --reporter json` and of what was converted to the Heimdall Data Format. It does not say what was looked at: pass targets=node/NAME (or image, ' +
    'account, cluster, repository). A control passes only if each of its tests passed: where some were skipped it is a warning, where all were it is skipped, where ' +
    'none ran an error. A control of impact 0 does not apply and is skipped, one that was waived is a warning, for exceptions are approved in Safeguard, and one that ' +
    'somebody attested is manual whatever the attestation says, unless it fails: people attest in Safeguard. Profiles that lay over another are one with it: results come ' +
    'from where the tests ran, the impact from the outermost. Complete for the controls that it lists. What tests compared is not kept, for it may quote what they read.',

  yields: ['results'],
  targets: KINDS,

  detect(document) {
    if (!isFields(document) || !isFields(field(document, 'platform')) || !has(document, 'statistics')) return false;
    const profiles = field(document, 'profiles');
    const first = isList(profiles) ? firstOf(profiles) : undefined;
    return isFields(first) && isList(field(first, 'controls'));
  },

  read(document, draft) {
    const report = fieldsOf(document);
    const target = declaredTarget(draft.declared, KINDS);
    draft.toolVersion = optionalText(report, 'version') || null;
    // Of what was converted to it, the version is the converter's.
    if (field(fieldsIn(report, 'platform'), 'name') === 'Heimdall Tools') draft.tool = SLUG;
    const profiles = new Profiles();
    const made = new OldestOf();
    const controls = controlsOf(draft, report, profiles, made);
    draft.observedAt = made.instant;
    for (const profile of profiles.withoutParent()) {
      draft.reject(
        profile.pointer,
        'is part of a profile that the report does not hold, or does not say of which',
        null,
      );
    }

    const evaluated = new Evaluated();
    for (const [check, sayings] of controls) {
      for (const [root, parts] of Map.groupBy(sayings, ({ profile }) => profiles.rootOf(profile))) {
        if (root === null) continue;
        const control = merged(parts, root);
        const scope = { target, source: `${SLUG}/${slug(root.name)}` };
        draft.attempt(parts[0]?.profile.pointer ?? '', scope, () => {
          draft.add({
            ...scope,
            check,
            resource: target.name,
            namespace: null,
            title: control.title || check,
            status: statusOf(control),
            severity: severityOf(control.impact),
            message: messageOf(control),
          });
          evaluated.add(scope, 'complete', check);
        });
      }
    }
    evaluated.cover(draft);
  },
};

/** Overlays are three deep, and a report of many profiles has some dozens. All of them are held. */
const MAX_PROFILES = 500;

/** What each profile says of a control, by the control's id. */
function controlsOf(draft: Draft, report: Fields, profiles: Profiles, made: OldestOf): Map<string, Said[]> {
  const controls = new Map<string, Said[]>();
  /** Of these something could not be read, so that what else is said of them is not all. */
  const broken = new Set<string>();
  let said = 0;
  let read = 0;
  draft.rows(list(report, 'profiles'), '/profiles', null, (fields, at) => {
    if (++read > MAX_PROFILES) throw new ReportFault('too-many-values', `A report may hold ${MAX_PROFILES} profiles.`);
    const profile = profiles.add(fields, at);
    const status = optionalText(fields, 'status');
    if (status !== '' && status !== 'loaded') draft.cut('A profile was not loaded: the report closes nothing.');
    draft.rows(list(fields, 'controls'), `${at}/controls`, null, (control) => {
      if (++said > BOUNDS.results) {
        throw new ReportFault('too-many-results', `A report may hold ${BOUNDS.results} results; post it in parts.`);
      }
      const id = text(control, 'id');
      const isBroken = broken.has(id);
      broken.add(id);
      const saying = saidOf(control, profile, made);
      if (!isBroken) broken.delete(id);
      const before = controls.get(id);
      if (before) before.push(saying);
      else controls.set(id, [saying]);
    });
  });
  for (const id of broken) controls.delete(id);
  return controls;
}

interface Profile {
  readonly name: string;
  /** Name of the profile that lays over it; null of the one that was run. */
  readonly parent: string | null;
  readonly pointer: string;
}

/** Profiles lie over one another by their names. */
class Profiles {
  private readonly all: Profile[] = [];
  private readonly byName = new Map<string, Profile[]>();
  /** Names of profiles that others say they depend on. */
  private readonly under = new Set<string>();
  /** Of profiles that lie under another, as far as they were asked for. */
  private readonly roots = new Map<Profile, Profile | null>();

  add(fields: Fields, pointer: string): Profile {
    const parent = has(fields, 'parent_profile') ? text(fields, 'parent_profile') : null;
    const profile = { name: text(fields, 'name'), parent, pointer };
    for (const dependency of list(fields, 'depends')) {
      if (isFields(dependency)) this.under.add(optionalText(dependency, 'name'));
    }
    this.all.push(profile);
    this.byName.set(profile.name, [...(this.byName.get(profile.name) ?? []), profile]);
    return profile;
  }

  /** The profile that was run; null where one between is not there, or is not known for certain. To be asked when all of them are there. */
  rootOf(profile: Profile): Profile | null {
    const path: Profile[] = [];
    let at: Profile | null = profile;
    while (at !== null && at.parent !== null && !this.roots.has(at)) {
      // Met again on the way, it lies over itself.
      this.roots.set(at, null);
      path.push(at);
      at = this.over(at.parent);
    }
    const root = at === null ? null : (this.roots.get(at) ?? (this.wasRun(at) ? at : null));
    for (const passed of path) this.roots.set(passed, root);
    return root;
  }

  /** What another depends on lies under it, and is a run of its own only beside that. */
  private wasRun({ name, parent }: Profile): boolean {
    if (parent !== null) return false;
    return !this.under.has(name) || (this.byName.get(name) ?? []).some((other) => other.parent !== null);
  }

  /** The one profile of that name. */
  private over(name: string): Profile | null {
    const [only = null, another] = this.byName.get(name) ?? [];
    return another === undefined ? only : null;
  }

  withoutParent(): Profile[] {
    return this.all.filter((profile) => this.rootOf(profile) === null);
  }
}

type TestStatus = 'passed' | 'failed' | 'skipped' | 'error';
type Tests = Readonly<Record<TestStatus, number>>;

/** A control: as one profile says it, or as all of them together. */
interface Control {
  readonly title: string;
  /** 0 to 1; null where it is not said. */
  readonly impact: number | null;
  readonly tests: Tests;
  readonly isWaived: boolean;
  readonly isAttested: boolean;
}

interface Said extends Control {
  readonly profile: Profile;
}

interface Merged extends Control {
  readonly isWhole: boolean;
}

function saidOf(control: Fields, profile: Profile, made: OldestOf): Said {
  const impact = optionalNumber(control, 'impact');
  if (impact !== null && (impact < 0 || impact > 1)) throw new Unreadable('/impact', 'must be from 0 to 1');
  return {
    profile,
    title: (nullableText(control, 'title') ?? '').replace(/\s+/g, ' '),
    impact,
    tests: testsOf(control, made),
    isWaived: isWaived(control),
    isAttested: (field(control, 'attestation_data') ?? null) !== null,
  };
}

function testsOf(control: Fields, made: OldestOf): Tests {
  const tests = { passed: 0, failed: 0, skipped: 0, error: 0 };
  let index = 0;
  for (const value of list(control, 'results')) {
    const at = `/results/${index++}`;
    if (!isFields(value)) throw new Unreadable(at, 'must be an object');
    const status = has(value, 'status') ? field(value, 'status') : 'error';
    if (status !== 'passed' && status !== 'failed' && status !== 'skipped' && status !== 'error') {
      throw new Unreadable(`${at}/status`, 'must be passed, failed, skipped or error');
    }
    // A test that broke off may have said that it failed before.
    tests[(field(value, 'backtrace') ?? null) === null ? status : 'error']++;
    made.add(instant(field(value, 'start_time')));
  }
  return tests;
}

/** Whether its tests were left out because somebody waived it. A waiver under which they ran leaves their results as they are. */
function isWaived(control: Fields): boolean {
  const skipped = field(fieldsIn(control, 'waiver_data'), 'skipped_due_to_waiver') ?? false;
  if (typeof skipped === 'boolean') return skipped;
  if (typeof skipped === 'string') return skipped !== '' && skipped !== 'false';
  throw new Unreadable('/waiver_data/skipped_due_to_waiver', 'must be true or false');
}

/**
 * All that is said of a control by profiles that lie over one another. Tests count wherever they ran. All else is right as the outermost says it; what that one does not
 * list was read from a part of the report.
 */
function merged(parts: readonly Said[], root: Profile): Merged {
  const outermost = parts.find(({ profile }) => profile === root);
  const sum = (status: TestStatus): number => parts.reduce((total, { tests }) => total + tests[status], 0);
  return {
    title: outermost?.title ?? '',
    impact: outermost?.impact ?? null,
    tests: { passed: sum('passed'), failed: sum('failed'), skipped: sum('skipped'), error: sum('error') },
    isWaived: parts.some((part) => part.isWaived),
    isAttested: parts.some((part) => part.isAttested),
    isWhole: outermost !== undefined,
  };
}

function statusOf({ tests, impact, isWaived, isAttested, isWhole }: Merged): CheckStatus {
  const { passed, failed, skipped, error } = tests;
  if (impact === 0 && error === 0) return 'skip';
  if (failed > 0 && impact !== 0) return 'fail';
  if (error > 0) return 'error';
  if (isWaived) return 'warn';
  if (isAttested) return 'manual';
  if (passed + skipped === 0) return 'error';
  if (passed === 0) return 'skip';
  // By its impact a control says that it does not apply.
  return skipped === 0 && isWhole && impact !== null ? 'pass' : 'warn';
}

/** As InSpec names them. */
function severityOf(impact: number | null): Severity {
  if (impact === null || impact === 0) return 'unknown';
  if (impact >= 0.9) return 'critical';
  if (impact >= 0.7) return 'high';
  return impact >= 0.4 ? 'medium' : 'low';
}

function messageOf({ tests, impact, isWaived, isAttested, isWhole }: Merged): string {
  const counts = Object.entries(tests).filter(([, count]) => count > 0);
  const parts = [
    counts.length === 0 ? 'no test ran' : counts.map(([status, count]) => `${count} ${status}`).join(', '),
  ];
  if (impact === 0) parts.push('does not apply (impact 0)');
  if (isWaived) parts.push('waived beside the scanner');
  if (isAttested) parts.push('attested beside the scanner');
  if (!isWhole) parts.push('not listed by the outermost profile');
  else if (impact === null) parts.push('without an impact');
  return parts.join('; ');
}
