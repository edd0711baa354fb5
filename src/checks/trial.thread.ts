import { compileDefinition, DefinitionFaults } from './definition.js';
import { faultsOfExamples } from './examples.js';

export interface TrialFault {
  /** RFC 6901, into the definition. */
  pointer: string;
  detail: string;
  /** In the expression, from 1. */
  line: number | null;
  column: number | null;
}

/** Runs in a thread of its own: an expression that somebody writes may go on for ever, or fill the memory. */
export default function trial(definition: unknown): TrialFault[] {
  try {
    const check = compileDefinition(definition, 'organization');
    return faultsOfExamples(check).map(({ pointer, name, reason }) => ({
      pointer,
      detail: `The example «${name}» does not come out so: ${reason}`,
      line: null,
      column: null,
    }));
  } catch (error) {
    if (!(error instanceof DefinitionFaults)) throw error;
    return error.faults.map(({ pointer, reason, line, column }) => ({ pointer, detail: reason, line, column }));
  }
}
