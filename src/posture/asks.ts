import type { Catalog } from '../catalog/catalog.js';
import type { Control } from '../catalog/catalog.types.js';
import type { TypeDefinition } from '../catalog/record-type.js';
import type { RuleSet } from '../catalog/rule-sets.js';
import type { NeedLimit } from '../records/effective.js';

/** The type that every item of the law asks for by itself: what OCR asks first of any of them is its policy and procedure. */
const POLICY = 'policy';

/** Types whose records speak of the items of the law that they name, or of those below them. */
const APPLICABILITY = 'applicability_statement';
const OF_ITEMS: ReadonlySet<string> = new Set([POLICY, APPLICABILITY]);

/** Rooms that judge their types themselves: what they do not call met is not met. */
const JUDGED: ReadonlySet<RuleSet | null> = new Set<RuleSet>(['agreements', 'keys', 'recovery', 'risks']);

export const isJudged = (definition: TypeDefinition | undefined): boolean =>
  definition !== undefined && JUDGED.has(definition.rules);

/** One record type that a practice or an item of the law asks for. */
export interface Ask {
  readonly type: string;
  readonly title: string;
  readonly place: TypeDefinition['place'];
  readonly what: string;
  /** What an auditor would want to see; may be empty. */
  readonly auditorAsks: readonly string[];
  readonly limit: NeedLimit;
  readonly isJudged: boolean;
  /** Each of many (persons, vendors …) wants a record of its own. */
  readonly isEach: boolean;
  /** The type that counts what there was of it in a period: where there is no record, one of it speaks that says that there was none. */
  readonly countedIn: string | null;
  /** What a machine says in place of a record. */
  readonly metBy: TypeDefinition['met_by'];
}

/** What the catalogue asks for, by the practice's or item's id. */
export interface Asks {
  readonly practices: ReadonlyMap<string, readonly Ask[]>;
  readonly controls: ReadonlyMap<string, readonly Ask[]>;
  /** What records are asked for it, each once. */
  readonly limits: readonly NeedLimit[];
  /** By type that counts others: the field that is zero or empty where there was none. */
  readonly counting: ReadonlyMap<string, string>;
}

/**
 * `types`: the record types as the organisation has tightened them. Of two numbers of days the smaller counts: a practice may ask for more than the type does, and an
 * organisation for more than either.
 */
export function asksOf(
  catalog: Catalog,
  recordFreshness: Readonly<Record<string, number>>,
  types: ReadonlyMap<string, TypeDefinition>,
): Asks {
  const limits = new Map<string, NeedLimit>();
  const limitOf = (type: string, days: number | null, about: readonly string[] | null): NeedLimit => {
    const limit: NeedLimit = about === null ? { type, days } : { type, days, about };
    const key = keyOf(limit);
    const known = limits.get(key);
    if (known === undefined) limits.set(key, limit);
    return known ?? limit;
  };
  const ask = (
    need: { type: string; what: string },
    days: number | null,
    about: readonly string[] | null,
    auditorAsks: readonly string[],
  ): Ask => {
    const { type, what } = need;
    const definition = types.get(type);
    if (definition === undefined) throw new RangeError(`no record type ${type}`);
    const isTightened = definition.good_for.days !== (catalog.recordType(type)?.good_for.days ?? null);
    const byRoom = isJudged(definition);
    return {
      type,
      title: definition.title,
      place: definition.place,
      what,
      auditorAsks: auditorAsks.length > 0 ? auditorAsks : definition.auditor_asks,
      limit: (byRoom ? unkept : limitOf)(type, isTightened ? fewer(days, definition.good_for.days) : days, about),
      isJudged: byRoom,
      isEach: definition.each !== null,
      countedIn: definition.counted_in,
      metBy: definition.met_by,
    };
  };

  const practices = new Map(
    catalog.practices.map((practice): [string, Ask[]] => {
      const { records: freshness } = catalog.freshnessOf(practice.id, { records: recordFreshness });
      return [
        practice.id,
        practice.records.map((need) => {
          const about = namesPractices(types.get(need.type))
            ? [practice.id]
            : need.type !== POLICY && OF_ITEMS.has(need.type)
              ? [...new Set(practice.primary.flatMap((id) => lineOf(catalog, id)))]
              : null;
          return ask(need, freshness[need.type]?.maxAgeDays ?? null, about, []);
        }),
      ];
    }),
  );
  const controls = new Map(
    catalog.controls.map((control): [string, Ask[]] => {
      if (control.needs === 'nothing') return [control.id, []];
      return [
        control.id,
        needsOf(control).map((need) => {
          const about = OF_ITEMS.has(need.type) ? lineOf(catalog, control.id) : null;
          // Of the policy on an item an auditor asks what he asks of the item, and not what he asks of any policy.
          const auditorAsks = need === POLICY_OF_ITEM ? control.auditorAsks : [];
          return ask(need, types.get(need.type)?.good_for.days ?? null, about, auditorAsks);
        }),
      ];
    }),
  );
  const all = [...practices.values(), ...controls.values()].flat();
  const counting = new Map(
    all.flatMap(({ countedIn }) => {
      const none = types.get(countedIn ?? '')?.none ?? null;
      return countedIn === null || none === null ? [] : [[countedIn, none] as const];
    }),
  );
  return { practices, controls, limits: [...limits.values()], counting };
}

export const keyOf = ({ type, days, about }: NeedLimit): string => JSON.stringify([type, days, about ?? null]);

const unkept = (type: string, days: number | null): NeedLimit => ({ type, days });

const fewer = (one: number | null, other: number | null): number | null =>
  one === null || other === null ? (one ?? other) : Math.min(one, other);

/**
 * What an item asks for by itself: what the catalogue says, and a policy. The terms of an agreement are asked of agreements alone; and of what may not apply at all
 * (a clearinghouse, a group health plan) the statement that says so, or what meets it: nobody writes a policy for what there is not.
 */
function needsOf({ records }: Control): { type: string; what: string }[] {
  const wantsPolicy = records.every(({ type, term }) => term === null && type !== POLICY && type !== APPLICABILITY);
  return wantsPolicy ? [...records, POLICY_OF_ITEM] : [...records];
}

const POLICY_OF_ITEM = {
  type: POLICY,
  what: 'The policy or procedure that says how the item is met, in effect, reviewed and linked to it or to the item above it.',
};

/** Records of the type name the practices that they speak for, and speak for no others. */
function namesPractices(definition: TypeDefinition | undefined): boolean {
  const fields = Object.values(definition?.fields.properties ?? {});
  return fields.some((field) => field['x-practice'] === true || field.items?.['x-practice'] === true);
}

/** An item and those above it. */
function lineOf(catalog: Catalog, id: string): string[] {
  const line: string[] = [];
  for (let at = catalog.control(id); at !== null && !line.includes(at.id);) {
    line.push(at.id);
    at = at.parent === null ? null : catalog.control(at.parent);
  }
  return line;
}
