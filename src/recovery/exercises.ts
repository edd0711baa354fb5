import { DAY_MS, dayOf, later } from '../kernel/dates.js';
import type { EffectiveRecord } from '../records/effective.js';
import { readAction, readExercise } from './fields.js';
import { ofType } from './objectives.js';

/** Findings of an exercise want a risk or a corrective action within so many days. */
export const FINDING_DAYS = 30;

export interface OpenFinding {
  report: EffectiveRecord;
  number: string;
  dueAt: Date;
}

/** Findings of exercises that no risk and no corrective action in effect takes up. One that cannot be read is open. */
export function openFindings(records: readonly EffectiveRecord[]): OpenFinding[] {
  const followers = [...ofType(records, 'risk'), ...ofType(records, 'corrective_action')];
  return ofType(records, 'exercise_report').flatMap((report) => {
    const fields = readExercise(report.fields);
    if (fields === null) return [{ report, number: '?', dueAt: later(report.goodFrom, FINDING_DAYS) }];
    const dueAt = later(fields.heldOn, FINDING_DAYS);
    const isOnly = fields.findings.length === 1;
    return fields.findings
      .filter(({ number }) => !followers.some((follower) => takesUp(follower, report.id, number, isOnly)))
      .map(({ number }) => ({ report, number, dueAt }));
  });
}

/** By a link to the report: of a corrective action with the finding's number in its field, of a risk with it in the link's note. The only finding needs no number. */
function takesUp(follower: EffectiveRecord, reportId: string, number: string, isOnly: boolean): boolean {
  const links = follower.links.filter(({ kind, target }) => kind === 'record' && target === reportId);
  if (links.length === 0) return false;
  const said = follower.type === 'corrective_action' ? (readAction(follower.fields)?.finding ?? null) : null;
  return said === number || links.some(({ note }) => note.trim() === number) || (isOnly && said === null);
}

export interface LateAction {
  action: EffectiveRecord;
  dueAt: Date;
}

/** Corrective actions of the exercises that are not completed at an instant, with the end of the day until which they are due. */
export function openActions(records: readonly EffectiveRecord[], asOf: Date): LateAction[] {
  const reports = new Set(ofType(records, 'exercise_report').map(({ id }) => id));
  return ofType(records, 'corrective_action').flatMap((action) => {
    if (!action.links.some(({ kind, target }) => kind === 'record' && reports.has(target))) return [];
    const fields = readAction(action.fields);
    if (fields === null) return [{ action, dueAt: action.effectiveFrom }];
    if (fields.completedOn !== null && fields.completedOn <= asOf) return [];
    return [{ action, dueAt: new Date(fields.dueOn.getTime() + DAY_MS) }];
  });
}

/** Days on which an action of them is completed. */
export const completions = (records: readonly EffectiveRecord[]): (Date | null)[] =>
  ofType(records, 'corrective_action').map(({ fields }) => readAction(fields)?.completedOn ?? null);

export const nameOf = (report: EffectiveRecord): string => {
  const fields = readExercise(report.fields);
  return fields === null ? `of ${dayOf(report.goodFrom)}` : `of ${dayOf(fields.heldOn)}`;
};
