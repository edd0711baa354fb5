import type { Candidate, Neighbour, RecordFault, RecordRules } from '../records/rules.js';
import { readAction, readExercise, readRestore } from './fields.js';

/** What the schemas of `restore_test`, `exercise_report` and `corrective_action` cannot say. */
export const recoveryRules: RecordRules = {
  neighbours({ type, fields }) {
    const id = type === 'restore_test' ? fields['objective'] : undefined;
    return typeof id === 'string' ? [{ types: ['recovery_objective'], ids: [id] }] : [];
  },

  faults(candidate, neighbours, now) {
    if (candidate.kind === 'end') return [];
    switch (candidate.type) {
      case 'restore_test':
        return restoreFaults(candidate, neighbours);
      case 'exercise_report':
        return exerciseFaults(candidate);
      case 'corrective_action':
        return actionFaults(candidate, now);
      default:
        return [];
    }
  },
};

function restoreFaults({ fields: said }: Candidate, neighbours: readonly Neighbour[]): RecordFault[] {
  const fields = readRestore(said);
  if (fields === null) return [{ pointer: '/fields', detail: 'The restore test cannot be read.' }];
  const faults: RecordFault[] = [];
  if (!neighbours.some(({ type, id }) => type === 'recovery_objective' && id === fields.objective)) {
    faults.push({ pointer: '/fields/objective', detail: 'No such recovery objective is in effect from then on.' });
  }
  if (fields.result === 'passed' && fields.measuredRpoMinutes === null) {
    faults.push({
      pointer: '/fields/measuredRpoMinutes',
      detail:
        'A test that passed says how old the data was that it restored: else nothing shows that the objective is met.',
    });
  }
  return faults;
}

function exerciseFaults({ fields: said }: Candidate): RecordFault[] {
  const numbers = readExercise(said)?.findings.map(({ number }) => number) ?? [];
  const faults = numbers.flatMap((number, index) =>
    numbers.indexOf(number) === index
      ? []
      : [{ pointer: `/fields/findings/${index}/number`, detail: 'Another finding has this number.' }],
  );
  if ((said['result'] === 'findings') !== numbers.length > 0) {
    faults.push({
      pointer: '/fields/findings',
      detail: 'Findings are listed where, and only where, the result says so.',
    });
  }
  return faults;
}

/** What is said to be done was done, and something shows it: from then on nobody asks for it again. */
function actionFaults({ fields, documents, links }: Candidate, now: Date): RecordFault[] {
  const action = readAction(fields);
  if (action === null) return [{ pointer: '/fields', detail: 'The corrective action cannot be read.' }];
  const faults: RecordFault[] = [];
  if (!links.some(({ kind }) => kind === 'record')) {
    faults.push({ pointer: '/links', detail: 'Link the record that found what is to be done.' });
  }
  if (action.completedOn === null) return faults;
  const pointer = '/fields/completedOn';
  if (action.completedOn > now) {
    faults.push({ pointer, detail: 'It lies in the future: what has yet to come is not done.' });
  }
  if (documents.length === 0 && !links.some(({ kind }) => kind === 'evidence')) {
    faults.push({ pointer, detail: 'Add or link the evidence that it was done.' });
  }
  return faults;
}
