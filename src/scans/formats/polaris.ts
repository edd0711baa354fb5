import type { Format, Severity, Target } from '../report.js';
import { BOUNDS } from '../report.js';
import type { Draft, Scope } from './draft.js';
import type { Fields } from './fields.js';
import {
  field,
  fieldsIn,
  fieldsOf,
  flag,
  has,
  instant,
  isFields,
  list,
  optionalNumber,
  optionalText,
  resourceName,
  step,
  text,
  Unreadable,
} from './fields.js';
import { assertCluster, assertKinds, CLUSTER, repositoryTarget } from './targets.js';

const SLUG = 'polaris';

/** Fairwinds' audit of workloads and roles. */
export const polaris: Format = {
  slug: SLUG,
  title: 'Polaris',
  tool: 'polaris',
  description:
    'JSON or YAML of `polaris audit`, of a cluster or of files. Complete for the checks that it lists, if it says that it audited a whole cluster, and if ' +
    'its score and its number of workloads fit what it lists (they do not where `--only-show-failed-tests` or `--severity` dropped something). An audit of ' +
    'files is complete where the poster declares the repository: targets=repository/NAME. What is exempt, by annotation or by configuration, Polaris leaves ' +
    'out without a word: a check that it lists of other objects and not of this one is kept as skipped.',

  yields: ['results'],
  targets: ['cluster', 'repository'],

  detect(document) {
    return isFields(document) && has(document, 'PolarisOutputVersion') && has(document, 'Results');
  },

  read(document, draft) {
    const report = fieldsOf(document);
    draft.observedAt = instant(field(report, 'AuditTime'));
    const { target, whole } = targetOf(draft, report);
    const audit = new Audit(draft, { target, source: SLUG });
    draft.rows(list(report, 'Results'), '/Results', audit.scope, (object, at) => audit.readObject(object, at));
    const checks = audit.checks;
    if (checks.length === 0) return;

    const controllers = optionalNumber(fieldsIn(report, 'ClusterInfo'), 'Controllers');
    const fits = optionalNumber(report, 'Score') === audit.score && controllers === audit.workloads;
    if (fits) audit.addSkipped();
    else draft.note('The score or the number of workloads does not fit what is listed, so something was left out.');
    draft.cover({ ...audit.scope, extent: whole && fits ? 'complete' : 'partial', checks, silentPass: [] });
  },
};

function targetOf(draft: Draft, report: Fields): { target: Target; whole: boolean } {
  const { declared } = draft;
  const type = text(report, 'SourceType');
  switch (type) {
    case 'Cluster':
    case 'ClusterNamespace':
    case 'Resource':
      assertKinds(declared, ['cluster'], `${SLUG} cluster`);
      for (const target of declared.targets) assertCluster(target, null);
      return { target: CLUSTER, whole: type === 'Cluster' };
    case 'Path':
    case 'Content': {
      const path = type === 'Path' ? optionalText(report, 'SourceName') : '';
      // `-` is what came through a pipe. A path names the folder that was audited, and only the poster knows whether that was the repository.
      const target = repositoryTarget(declared, path === '-' ? '' : path, SLUG);
      return { target, whole: declared.targets.length > 0 };
    }
    default:
      throw new Unreadable('/SourceType', 'is no source that is known here');
  }
}

interface Subject {
  resource: string;
  namespace: string | null;
}

/** What the same checks are made of: all pods, all containers, all objects of one kind. */
class Level {
  readonly checks = new Set<string>();
  /** By the checks that are listed of them, so that they are kept once for all. */
  readonly groups = new Map<string, { listed: ReadonlySet<string>; subjects: Subject[] }>();

  add(subject: Subject, listed: string[]): void {
    const key = JSON.stringify(listed);
    let group = this.groups.get(key);
    if (!group) {
      this.groups.set(key, (group = { listed: new Set(listed), subjects: [] }));
      for (const check of listed) this.checks.add(check);
    }
    group.subjects.push(subject);
  }
}

/** Goes through the three levels of a report, and knows afterwards where something is missing from them. */
class Audit {
  workloads = 0;
  private successes = 0;
  private warnings = 0;
  private dangers = 0;
  private readonly levels = new Map<string, Level>();

  constructor(
    private readonly draft: Draft,
    readonly scope: Scope,
  ) {}

  /** Those that are listed of at least one object. */
  get checks(): string[] {
    return [...new Set([...this.levels.values()].flatMap(({ checks }) => [...checks]))];
  }

  /** Polaris' own rule, for what is listed. */
  get score(): number {
    const total = this.successes * 2 + this.warnings + this.dangers * 2;
    return total === 0 ? 100 : Math.trunc(((this.successes * 2) / total) * 100);
  }

  readObject(object: Fields, at: string): void {
    const kind = text(object, 'Kind');
    const namespace = optionalText(object, 'Namespace') || null;
    const subject = { resource: resourceName(namespace, '', kind, text(object, 'Name')), namespace };
    this.readResults(`object ${kind}`, subject, object, at);
    const pod = field(object, 'PodResult');
    if (pod === null || pod === undefined) return;
    this.workloads++;
    this.draft.attempt(`${at}/PodResult`, this.scope, (podAt) => {
      this.readResults('pod', subject, fieldsOf(pod), podAt);
      const containers = list(fieldsOf(pod), 'ContainerResults');
      this.draft.rows(containers, `${podAt}/ContainerResults`, this.scope, (container, containerAt) => {
        const resource = `${subject.resource}#${text(container, 'Name')}`;
        this.readResults('container', { resource, namespace }, container, containerAt);
      });
    });
  }

  /** Of what Polaris was told to exempt, nothing is listed: that it was looked at elsewhere says that it was not here. */
  addSkipped(): void {
    for (const { checks, groups } of this.levels.values()) {
      for (const { listed, subjects } of groups.values()) {
        for (const check of checks) {
          if (listed.has(check)) continue;
          for (const subject of subjects) {
            this.draft.attempt('/Results', this.scope, () => {
              this.draft.add({
                ...this.scope,
                ...subject,
                check,
                title: check,
                status: 'skip',
                severity: 'unknown',
                message: 'Listed of others and not of this one: it is exempt, or not of a kind that is checked.',
              });
            });
          }
        }
      }
    }
  }

  private readResults(level: string, subject: Subject, of: Fields, at: string): void {
    const results = fieldsIn(of, 'Results');
    for (const [check, value] of Object.entries(results)) {
      this.draft.attempt(`${at}/Results${step(check)}`, this.scope, () => {
        const result = fieldsOf(value);
        const success = flag(result, 'Success');
        const severity = optionalText(result, 'Severity');
        if (success) this.successes++;
        else if (severity === 'warning') this.warnings++;
        else this.dangers++;
        this.draft.add({
          ...this.scope,
          ...subject,
          check,
          // The message changes with the outcome, and there is no other title.
          title: check,
          status: success ? 'pass' : 'fail',
          severity: SEVERITIES.get(severity) ?? 'unknown',
          message: optionalText(result, 'Message'),
        });
      });
    }
    let known = this.levels.get(level);
    if (!known) this.levels.set(level, (known = new Level()));
    // Those that can be rows: of an id that cannot, nothing is missing.
    known.add(
      subject,
      Object.keys(results).filter((check) => check !== '' && check.length <= BOUNDS.check),
    );
  }
}

/** Polaris knows two, by names of its own. */
const SEVERITIES: ReadonlyMap<string, Severity> = new Map([
  ['danger', 'high'],
  ['warning', 'medium'],
]);
