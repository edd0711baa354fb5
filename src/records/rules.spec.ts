import { describe, expect, it } from 'vitest';
import { RULE_SETS, type RuleSet } from '../catalog/rule-sets.js';
import { RecordRulesRegistry, type RecordRules } from './rules.js';

const rules: RecordRules = { neighbours: () => [], faults: () => [] };

/** A registry to which all rooms but those have added their rules. */
function without(...left: RuleSet[]): RecordRulesRegistry {
  const registry = new RecordRulesRegistry();
  for (const name of RULE_SETS) if (!left.includes(name)) registry.add(name, rules);
  return registry;
}

describe('does the program start with the rules that record types may name, and with no others?', () => {
  it('with all of them', () => {
    const registry = without();
    expect(() => registry.onApplicationBootstrap()).not.toThrow();
    expect(registry.get('risks')).toBe(rules);
  });

  it.each(RULE_SETS)('not without %s', (name) => {
    expect(() => without(name).onApplicationBootstrap()).toThrow(`nobody has added the rules ${name}`);
  });

  it('nor with one that the list does not know, or twice', () => {
    expect(() => without().add('invented' as RuleSet, rules)).toThrow('no record type may name the rules invented');
    expect(() => without().add('risks', rules)).toThrow('the rules risks are there already');
  });
});
