import { describe, expect, it } from 'vitest';
import { loadCatalog } from '../catalog/load.js';
import { compileCheck, DefinitionFaults, type CompiledCheck } from './definition.js';
import { faultsOfExamples } from './examples.js';
import { KINDS, kindNamed, WORKLOADS } from './kinds.js';

const catalog = loadCatalog();

function compiled(): { checks: CompiledCheck[]; faults: string[] } {
  const faults: string[] = [];
  const checks = catalog.definitions.flatMap((definition) => {
    try {
      return [compileCheck(definition)];
    } catch (error) {
      if (!(error instanceof DefinitionFaults)) throw error;
      faults.push(error.message);
      return [];
    }
  });
  return { checks, faults };
}

const { checks, faults } = compiled();

describe('are the checks of the catalogue sound?', () => {
  it('they compile', () => expect(faults).toEqual([]));

  it('their examples come out as they say', () => {
    expect(checks.flatMap((check) => faultsOfExamples(check))).toEqual([]);
  });
});

// Until the catalogue has checks there is nothing to hold the rest against.
describe.runIf(checks.length > 0)('is there a check for what a machine can see?', () => {
  it('for every practice that is seen in full or in part', () => {
    const supported = new Set(checks.flatMap(({ practices }) => practices));
    const seen = catalog.practices.filter(({ automation }) => automation !== 'records').map(({ id }) => id);
    expect(seen.filter((id) => !supported.has(id))).toEqual([]);
  });

  it('and no kind is listed that no check reads', () => {
    const read = new Set(
      [
        ...Object.keys(WORKLOADS),
        ...checks.flatMap(({ each, reads, message, without }) => [
          ...each,
          ...reads,
          ...[...message, ...(without ?? [])].flatMap((part) => (typeof part === 'string' ? [] : [...part.kinds])),
        ]),
      ].map((name) => kindNamed(name)?.name),
    );
    expect(KINDS.map(({ name }) => name).filter((name) => !read.has(name))).toEqual([]);
  });
});
