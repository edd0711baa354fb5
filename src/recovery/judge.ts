import { dayOf, earlier, earliest, firstAfter, MINUTE_MS } from '../kernel/dates.js';
import type { EffectiveRecord } from '../records/effective.js';
import type { Statement } from '../records/statement.js';
import type { BackupRun } from './backups.js';
import { completions, nameOf, openActions, openFindings } from './exercises.js';
import { readReport, readRestore } from './fields.js';
import { lastBackups, objectivesOf, ofType, restoreTestsOf, type Objective } from './objectives.js';
import { judgeLocks, judgeStores } from './judge-stores.js';
import { ageOf, idsOf, stating, work, type Age, type Judged } from './saying.js';
import type { BackupLocation } from './stores.js';

export interface RecoveryInput extends Judged {
  /** By when they began. */
  runs: readonly BackupRun[];
  /** Whether anything of the system holds PHI; where it does and no namespace is named, any may. */
  holdsPhi: boolean;
  phiNamespaces: readonly string[];
  /** Where reports say that its backups are kept. */
  locations: readonly BackupLocation[];
}

const TARGETS = 'rto-rpo-targets';
const BACKUP = 'volume-database-backup';
const RESTORE = 'restore-testing';
const EXERCISES = 'disaster-exercises';

/** What recovery says of practices, in a system's part. */
export function judgeRecovery(input: RecoveryInput): Statement[] {
  const objectives = objectivesOf(input.records, input.phiNamespaces);
  return [
    ...judgeObjectives(input, objectives),
    ...judgeBackups(input, objectives),
    ...judgeStores(input),
    ...judgeLocks(input),
    ...judgeRestores(input, objectives),
    ...judgeExercises(input),
  ];
}

/** Whether there are objectives, fresh ones, for all that holds PHI. */
function judgeObjectives(input: RecoveryInput, objectives: readonly Objective[]): Statement[] {
  const type = 'recovery_objective';
  const say = stating(input, TARGETS, type);
  const limit = input.limitOf(TARGETS, type);
  const all = ofType(input.records, type);
  const age = ageOf(all, null, input.asOf);
  if (age === null) return [];
  if (all.length > objectives.length) {
    return [
      say('failing', `${type}: a record cannot be read.`, {
        records: idsOf(all),
        ...work('failing', age.newest, null),
      }),
    ];
  }
  const covered = new Set(objectives.flatMap(({ namespaces }) => namespaces));
  if (!covered.has(null) && input.holdsPhi && input.phiNamespaces.length === 0) {
    const reason = `${type}: no namespace of the system is named as one that holds PHI, so that any namespace may hold PHI: some have no recovery objective.`;
    return [say('failing', reason, { records: idsOf(all), ...work('failing', age.newest, null) })];
  }
  const open = covered.has(null) ? [] : input.phiNamespaces.filter((namespace) => !covered.has(namespace));
  const records = idsOf(objectives.map(({ record }) => record));
  if (open.length > 0) {
    const reason = `${type}: namespaces that hold PHI have no recovery objective: ${open.slice(0, 10).join(', ')}.`;
    return [say('failing', reason, { records, ...work('failing', age.newest, null) })];
  }
  if (limit === undefined) return [];
  const ages = objectives.flatMap((objective) => {
    const found = ageOf([objective.record], limit.days, input.asOf);
    return found === null ? [] : [{ objective, ...found }];
  });
  const old = ages.filter(({ isOver }) => isOver);
  if (old.length > 0) {
    const until = firstAfter(
      input.asOf,
      ages.map(({ end }) => end),
    );
    return old.map(({ objective: { record, fields }, end }) =>
      say('stale', `${type}: ${fields.scope} was not looked at in the last ${limit.days ?? 0} days.`, {
        records: [record.id],
        until,
        ...work('stale', record, end),
      }),
    );
  }
  return [
    say('met', `${type}: ${objectives.length} in effect.`, {
      records: idsOf(firstToEnd(ages).map(({ newest }) => newest)),
      until: earliest(ages.map(({ end }) => end)),
    }),
  ];
}

/** Whoever is told of some is told of these. */
const firstToEnd = (ages: readonly Age[]): Age[] =>
  ages.toSorted((one, other) => (one.end?.getTime() ?? Infinity) - (other.end?.getTime() ?? Infinity));

/**
 * The recovery point objective at the instant: by the last good backup that reports tell of, or that a record tells of, which counts from its day on and for as long
 * as the practice takes its like for fresh.
 */
function judgeBackups(input: RecoveryInput, objectives: readonly Objective[]): Statement[] {
  const type = 'backup_report';
  const { runs, asOf, limitOf } = input;
  const say = stating(input, BACKUP, type);
  const limit = limitOf(BACKUP, type);
  const all = limit === undefined ? [] : ofType(input.records, type);
  // One that ends after the instant is in effect, and has shown nothing yet.
  const reports = all.filter(({ goodFrom }) => goodFrom <= asOf);
  const changes = firstAfter(asOf, [
    ...runs.map(({ completedAt }) => completedAt),
    ...all.map(({ goodFrom }) => goodFrom),
  ]);
  const reported = ageOf(reports, limit?.days ?? null, asOf);
  if (reported !== null && (objectives.length === 0 || reported.newest.fails)) {
    return [{ ...byReport(say, type, reported), again: changes }];
  }
  const last = objectives.flatMap((objective) =>
    lastBackups(objective, runs).map((backup) => {
      const byRecord = heldByRecord(objective, backup.namespace, reports, limit?.days ?? null, asOf);
      const heldUntil = latest(backup.heldUntil, byRecord?.until ?? null);
      // What reports of the tool hold nobody has to write down anew.
      const report = byRecord !== null && heldUntil === byRecord.until ? byRecord.record : null;
      return { objective, ...backup, heldUntil, report };
    }),
  );
  if (last.length === 0) return [];
  // Also what is broken for one may be so for another later.
  const until = firstAfter(asOf, [changes, ...last.map(({ heldUntil }) => heldUntil)]);
  const broken = last.filter(({ heldUntil }) => heldUntil === null || heldUntil <= asOf);
  if (broken.length > 0) {
    return broken.map(({ objective: { record, fields }, namespace, run, heldUntil }) => {
      const what = namespace === null ? 'of the whole system' : `of namespace ${namespace}`;
      const gone = run?.goneAt ? `, and is gone since ${run.goneAt.toISOString()}` : '';
      const state = run === null ? 'none of late is known' : `the last began on ${run.startedAt.toISOString()}${gone}`;
      const reason =
        `Recovery objective ${fields.scope}: the last good backup ${what} is ${gone === '' ? '' : 'not there any more, or '}older than its RPO of ${fields.rpoMinutes} minutes: ${state}. ` +
        `What was lost now would be lost for good.`;
      const series = run === null ? [] : [run.series];
      const more = { records: [record.id], series, until, ...work('failing', record, heldUntil) };
      return say('failing', reason, more);
    });
  }
  const series = [...new Set(last.flatMap(({ run }) => run?.series ?? []))].slice(0, 20);
  const reason = `${type}: good backups lie within the RPO of ${eachOf(objectives)}.`;
  const heldUntil = earliest(last.map((backup) => backup.heldUntil));
  const records = idsOf([...new Set(last.flatMap(({ report }) => report ?? []))]);
  return [say('met', reason, { records, series, until: heldUntil, again: changes })];
}

const eachOf = ({ length }: readonly Objective[]): string =>
  length === 1 ? 'the one recovery objective' : `all ${length} recovery objectives`;

const latest = (one: Date | null, other: Date | null): Date | null =>
  one === null || (other !== null && other > one) ? other : one;

/** The report that people wrote which holds the objective for a namespace longest, and until when: of those that name it, are complete and not too old. */
function heldByRecord(
  { fields }: Objective,
  namespace: string | null,
  reports: readonly EffectiveRecord[],
  days: number | null,
  asOf: Date,
): { record: EffectiveRecord; until: Date } | null {
  return reports.reduce<{ record: EffectiveRecord; until: Date } | null>((held, record) => {
    const report = readReport(record.fields);
    const age = ageOf([record], days, asOf);
    if (report === null || age === null || age.isOver || record.fails || report.periodTo > asOf) return held;
    if (namespace === null || !report.namespaces.includes(namespace)) return held;
    const byRpo = new Date(report.periodTo.getTime() + fields.rpoMinutes * MINUTE_MS);
    const until = earlier(age.end, byRpo) ?? byRpo;
    return held === null || until > held.until ? { record, until } : held;
  }, null);
}

function byReport(say: ReturnType<typeof stating>, type: string, { newest, isOver, end }: Age): Statement {
  const records = [newest.id];
  const when = dayOf(newest.goodFrom);
  if (newest.fails)
    return say('failing', `${type}: that of ${when} says that it failed.`, {
      records,
      ...work('failing', newest, null),
    });
  return isOver
    ? say('stale', `${type}: the last is of ${when}, and no longer good.`, { records, ...work('stale', newest, end) })
    : say('met', `${type}: the last is of ${when}.`, { records, until: end });
}

/** Each objective wants a fresh restore test that met it; the last one speaks. */
function judgeRestores(input: RecoveryInput, objectives: readonly Objective[]): Statement[] {
  const type = 'restore_test';
  const { records, asOf, limitOf } = input;
  const say = stating(input, RESTORE, type);
  const limit = limitOf(RESTORE, type);
  const tests = objectives.map((objective) => ({
    objective,
    last: restoreTestsOf(objective, records, asOf)[0] ?? null,
  }));
  // One that is completed after the instant is in effect, and does not count yet.
  const changes = firstAfter(
    asOf,
    ofType(records, type).map((record) => readRestore(record.fields)?.completedAt ?? null),
  );
  const missed = tests.flatMap(({ objective, last }) =>
    last?.missed == null
      ? []
      : [
          say(
            'failing',
            `restore_test for recovery objective ${objective.fields.scope}, completed on ${dayOf(last.fields.completedAt)}: ${last.missed}.`,
            {
              records: [last.record.id, objective.record.id],
              until: changes,
              // Nothing has shown since then that there is a way back: the next test is due at once.
              ...work('failing', last.record, last.fields.completedAt),
            },
          ),
        ],
  );
  if (missed.length > 0 || limit === undefined) return missed;
  const tested = tests.filter(({ last }) => last !== null);
  if (tested.length === 0) return [];
  const fresh = tested.flatMap(({ last }) => {
    const age = last === null ? null : ageOf([last.record], limit.days, asOf);
    return age === null || age.isOver ? [] : [age];
  });
  const wanting = tests.filter(({ last }) => !fresh.some(({ newest }) => newest.id === last?.record.id));
  if (wanting.length > 0) {
    const next = earliest([changes, ...fresh.map(({ end }) => end)]);
    return wanting.map(({ objective: { record, fields }, last }) =>
      say(
        'stale',
        `restore_test: recovery objective ${fields.scope} has no test of the last ${limit.days ?? 0} days.`,
        {
          records: idsOf([...(last === null ? [] : [last.record]), record]),
          until: next,
          ...work('stale', record, null),
        },
      ),
    );
  }
  const used = { records: idsOf(firstToEnd(fresh).map(({ newest }) => newest)) };
  const until = earliest(fresh.map(({ end }) => end));
  const were = objectives.length === 1 ? 'was tested, and met' : 'were tested, and met';
  return [say('met', `restore_test: ${eachOf(objectives)} ${were}.`, { ...used, until, again: changes })];
}

/** Exercises: that of late there was one, and that what it found is taken up. */
export function judgeExercises(input: Judged): Statement[] {
  const type = 'exercise_report';
  const { records, asOf, limitOf } = input;
  const say = stating(input, EXERCISES, type);
  const limit = limitOf(EXERCISES, type);
  // What is held later has found nothing yet.
  const findings = openFindings(records).filter(({ report }) => report.goodFrom <= asOf);
  const actions = openActions(records, asOf);
  const changes = firstAfter(asOf, [
    ...findings.map(({ dueAt }) => dueAt),
    ...actions.map(({ dueAt }) => dueAt),
    ...completions(records),
    ...ofType(records, type).map(({ goodFrom }) => goodFrom),
  ]);
  const late = [
    ...findings
      .filter(({ dueAt }) => dueAt <= asOf)
      .map(({ report, number, dueAt }) =>
        say(
          'failing',
          `exercise_report ${nameOf(report)}: no risk and no corrective_action takes up finding ${number}, due on ${dayOf(dueAt)}.`,
          { records: [report.id], until: changes, ...work('failing', report, dueAt) },
        ),
      ),
    ...actions
      .filter(({ dueAt }) => dueAt <= asOf)
      .map(({ action, dueAt }) =>
        say('failing', `corrective_action of an exercise is overdue since ${dayOf(dueAt)}, and not completed.`, {
          records: [action.id],
          until: changes,
          ...work('failing', action, dueAt),
        }),
      ),
  ];
  const held = ofType(records, type).filter(({ goodFrom }) => goodFrom <= asOf);
  const age = limit === undefined ? null : ageOf(held, limit.days, asOf);
  if (late.length > 0 || age === null) return late;
  if (age.newest.fails) return [byReport(say, type, age)];
  const base = age.isOver
    ? say('stale', `exercise_report: the last is ${nameOf(age.newest)}, and no longer good.`, {
        records: [age.newest.id],
        until: changes,
        ...work('stale', age.newest, age.end),
      })
    : say('met', `exercise_report: the last is ${nameOf(age.newest)}.`, {
        records: [age.newest.id],
        until: earliest([age.end, ...[...findings, ...actions].map(({ dueAt }) => dueAt)]),
        again: changes,
      });
  const due = findings.map(({ report, number, dueAt }) => ({
    ...base,
    reason: `exercise_report ${nameOf(report)}: finding ${number} wants a risk or a corrective_action.`,
    records: [report.id],
    ...work('due', report, dueAt),
  }));
  const dueActions = actions.map(({ action, dueAt }) => ({
    ...base,
    reason: `corrective_action of an exercise is due on ${dayOf(dueAt)}.`,
    records: [action.id],
    ...work('due', action, dueAt),
  }));
  return [base, ...due, ...dueActions];
}
