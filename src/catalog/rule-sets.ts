/**
 * The sets of rules in code that a record type may name (`rules`), each after the room that adds it: what a schema of fields cannot say. The program does not
 * start while one of them is missing.
 */
export const RULE_SETS = ['records', 'agreements', 'keys', 'recovery', 'risks', 'exceptions'] as const;
export type RuleSet = (typeof RULE_SETS)[number];
