import { ReportFault } from '../report.js';
import type { Rule } from './dropped.js';
import { Key } from './keys.js';
import { Places, Why } from './places.js';

/** What a container is, by the way to it. */
const Role = {
  None: 0,
  Values: 1,
  Metadata: 2,
  Annotations: 3,
  Items: 4,
  Item: 5,
  Findings: 6,
  Finding: 7,
  Provider: 8,
  Keys: 9,
  KeyEntry: 10,
  ObjectRef: 11,
  Environment: 12,
  Variable: 13,
  History: 14,
  Layer: 15,
  KeyFile: 16,
  SarifRules: 17,
  SarifRule: 18,
  Description: 19,
} as const;
type Role = (typeof Role)[keyof typeof Role];

/** What is known of an object by its members; any of these. */
const Is = {
  /** Says its kind; the next five say which. */
  Kinded: 1,
  Secret: 2,
  ConfigMap: 4,
  SecretList: 8,
  ConfigMapList: 16,
  PlainList: 32,
  /** Has `apiVersion` or `metadata`, as all objects of Kubernetes have. */
  KubernetesLike: 64,
  Valued: 128,
  ScanResult: 256,
  Finding: 512,
  /** An event of an audit log about something whose bodies hold secrets. */
  Audited: 1024,
  /** A rule of SARIF by which Trivy found secrets: it quotes one of them. */
  SecretRule: 2048,
} as const;

const KINDS: ReadonlyMap<string, number> = new Map([
  ['Secret', Is.Secret],
  ['ConfigMap', Is.ConfigMap],
  ['SecretList', Is.SecretList],
  ['ConfigMapList', Is.ConfigMapList],
  ['List', Is.PlainList],
]);

const AUDITED_RESOURCES: ReadonlySet<string> = new Set(['secrets', 'configmaps', 'tokenreviews']);
const AUDITED_METHODS = /\.(secrets|configmaps|tokenreviews|token)\./i;

/** What the rules ask of a value that begins; any of these. */
export const Wanted = {
  Nothing: 0,
  /** Its text, if it is one, before it ends. */
  Text: 1,
  /** Where it ends, for it may have to go. */
  End: 2,
} as const;

/** Traits of a candidate. */
const KINDLESS = 1;
const SCAN_PART = 2;

/**
 * What may never be kept, and how it is known: by the objects that hold it, wherever in a document they stand and in whatever order their members come.
 *
 * The rules are told of a document as it is gone through, key by key and value by value. Most of them can be decided only when an object ends, or the list that it
 * is in (`kind` may come last): until then a place is a candidate. Nothing is kept of the document but that.
 */
export class Rules {
  readonly places = new Places();
  private depth = 0;
  // Per open container, from 1; what surrounds all is 0.
  private readonly isObject: Uint8Array;
  private readonly role: Uint8Array;
  private readonly keys: Uint8Array;
  private readonly is: Int32Array;
  /** Places before it was opened, and the candidate that it is itself (or -1). */
  private readonly placesFrom: Int32Array;
  private readonly own: Int32Array;
  /** Candidates that it decides. */
  private readonly undecided: Int32Array;

  // The value that has begun: where, why it is a candidate, of which object, and its traits.
  private at = 0;
  private why: Why = Why.None;
  private owner = 0;
  private traits = 0;

  constructor(private readonly maxDepth: number) {
    const slots = maxDepth + 1;
    this.isObject = new Uint8Array(slots);
    this.role = new Uint8Array(slots);
    this.keys = new Uint8Array(slots);
    this.is = new Int32Array(slots);
    this.placesFrom = new Int32Array(slots);
    this.own = new Int32Array(slots);
    this.undecided = new Int32Array(slots);
  }

  /** A key of the innermost object. */
  key(key: Key): void {
    const { depth } = this;
    this.keys[depth] = key;
    if (key === Key.Metadata || key === Key.ApiVersion) this.mark(depth, Is.KubernetesLike);
    else if (key === Key.RuleId) this.mark(depth, Is.Finding);
    else if (key === Key.ScanResult && this.role[depth] === Role.Annotations) this.mark(depth - 2, Is.ScanResult);
  }

  /** A value of the innermost container begins. Returns what is `Wanted` of it. */
  begin(at: number): number {
    const { depth } = this;
    this.at = at;
    if (!this.isObject[depth]) {
      // `NAME=value`, as images have it.
      this.why = this.role[depth] === Role.Environment ? Why.Environment : Why.None;
      this.owner = depth;
      this.traits = 0;
      return this.why === Why.None ? Wanted.Nothing : Wanted.End;
    }
    const key = this.keys[depth];
    const role = this.role[depth];
    this.why = this.whyOf(key, role);
    const isTold =
      key === Key.Kind ||
      key === Key.MethodName ||
      (role === Role.SarifRule && key === Key.Name) ||
      (role === Role.ObjectRef && (key === Key.Resource || key === Key.Subresource));
    return (isTold ? Wanted.Text : Wanted.Nothing) | (this.why === Why.None ? Wanted.Nothing : Wanted.End);
  }

  /** The text of the value that has begun; null where it is too long to be read. */
  text(text: string | null): void {
    const { depth } = this;
    const key = this.keys[depth];
    if (key === Key.Kind) {
      this.mark(depth, Is.Kinded | ((text === null ? undefined : KINDS.get(text)) ?? 0));
    } else if (key === Key.MethodName) {
      if (text === null || AUDITED_METHODS.test(text)) this.mark(depth, Is.Audited);
    } else if (key === Key.Name) {
      if (text === 'Secret') this.mark(depth, Is.SecretRule);
    } else if (key === Key.Resource) {
      if (text === null || AUDITED_RESOURCES.has(text)) this.mark(depth - 1, Is.Audited);
    } else if (text === null || text === 'token') {
      this.mark(depth - 1, Is.Audited);
    }
  }

  /** The candidate that has begun is a scalar: this is what may have to go. */
  scalar(start: number, end: number, replacement: number): void {
    this.place(start, end, replacement);
  }

  /** The value that has begun is a container. */
  open(isObject: boolean, replacement: number): void {
    if (this.depth >= this.maxDepth) throw new ReportFault('too-deep', 'The report is nested too deep.');
    const role = this.roleOf(isObject);
    if (role === Role.Values) {
      this.mark(this.depth, Is.Valued);
      // Its values are the candidates, each.
      if (this.why === Why.Values) this.why = Why.None;
    }
    // Its name stays.
    if (role === Role.Variable) this.why = Why.None;
    const own = this.why === Why.None ? -1 : this.place(this.at, this.at, replacement);
    const depth = ++this.depth;
    this.isObject[depth] = isObject ? 1 : 0;
    this.role[depth] = role;
    this.keys[depth] = Key.None;
    this.is[depth] = 0;
    this.placesFrom[depth] = this.places.length;
    this.own[depth] = own;
    this.undecided[depth] = 0;
  }

  /** The innermost container ends before `end`. */
  close(end: number): void {
    const { depth, places } = this;
    if ((this.undecided[depth] ?? 0) > 0) this.decide();
    const own = this.own[depth] ?? -1;
    if (own !== -1) {
      places.ends[own] = end;
      // A body that says what it is, is judged by that.
      if (places.whys[own] === Why.Body && this.has(depth, Is.Kinded)) places.dismiss(own);
    }
    this.depth = depth - 1;
  }

  private whyOf(key: number | undefined, role: number | undefined): Why {
    const { depth } = this;
    this.owner = depth;
    this.traits = 0;
    if (role === Role.Values) {
      this.owner = depth - 1;
      this.traits = key === Key.ScanPart ? KINDLESS | SCAN_PART : KINDLESS;
      return Why.Value;
    }
    if (role === Role.Annotations) {
      this.owner = depth - 2;
      this.traits = KINDLESS;
      return key === Key.Copy ? Why.Value : Why.None;
    }
    if (role === Role.Description) {
      this.owner = depth - 1;
      return key === Key.Prose ? Why.Matched : Why.None;
    }
    if (key === Key.Values) return Why.Values;
    if (key === Key.Matched) return Why.Matched;
    if (key === Key.Body) return Why.Body;
    if (key === Key.Value) return role === Role.Variable ? Why.Environment : Why.None;
    if (key === Key.Command) return role === Role.Layer ? Why.Environment : Why.None;
    const isKey = (key === Key.Secret && role === Role.KeyEntry) || (key === Key.Content && role === Role.KeyFile);
    return isKey ? Why.EncryptionKey : Why.None;
  }

  private place(start: number, end: number, replacement: number): number {
    this.undecided[this.owner] = (this.undecided[this.owner] ?? 0) + 1;
    return this.places.push(start, end, replacement, { why: this.why, owner: this.owner, traits: this.traits });
  }

  /** Of the container that begins. */
  private roleOf(isObject: boolean): Role {
    const { depth } = this;
    const around = this.role[depth];
    if (!this.isObject[depth]) {
      if (!isObject) return Role.None;
      if (around === Role.Items) return Role.Item;
      if (around === Role.Findings) return Role.Finding;
      if (around === Role.Environment) return Role.Variable;
      if (around === Role.History) return Role.Layer;
      if (around === Role.SarifRules) return Role.SarifRule;
      return around === Role.Keys ? Role.KeyEntry : Role.None;
    }
    const key = this.keys[depth];
    if (isObject) {
      if (key === Key.Values) return Role.Values;
      if (key === Key.Metadata) return Role.Metadata;
      if (key === Key.Annotations && around === Role.Metadata) return Role.Annotations;
      if (key === Key.Provider) return Role.Provider;
      if (key === Key.KeyFile) return Role.KeyFile;
      if (key === Key.Description && around === Role.SarifRule) return Role.Description;
      return key === Key.ObjectRef ? Role.ObjectRef : Role.None;
    }
    if (key === Key.Items) return Role.Items;
    if (key === Key.Findings) return Role.Findings;
    if (key === Key.Environment) return Role.Environment;
    if (key === Key.History) return Role.History;
    if (key === Key.Rules) return Role.SarifRules;
    return key === Key.Keys && around === Role.Provider ? Role.Keys : Role.None;
  }

  /** The innermost object is known now: what was a candidate because of it goes, stays, or is for its list to decide. */
  private decide(): void {
    const { depth, places } = this;
    const from = this.placesFrom[depth] ?? 0;
    for (let place = from; place < places.length; place++) {
      if (places.owners[place] !== depth) continue;
      const rule = this.ruleOf(place);
      if (rule === 'list') {
        const list = depth - 2;
        places.hand(place, list, this.isNameless(depth) ? (places.traits[place] ?? 0) : 0);
        this.undecided[list] = (this.undecided[list] ?? 0) + 1;
      } else if (rule === null) {
        places.dismiss(place);
      } else {
        places.settle(place, rule);
      }
    }
    places.compact(from);
  }

  /** By which rule a candidate goes; null: by none. `list`: the list knows. */
  private ruleOf(place: number): Rule | 'list' | null {
    const { depth } = this;
    const traits = this.places.traits[place] ?? 0;
    switch (this.places.whys[place]) {
      case Why.Value:
      case Why.Values:
        if (this.has(depth, Is.Secret)) return 'secret';
        if (this.has(depth, Is.ScanResult) && (traits & SCAN_PART) !== 0) return null;
        if (this.has(depth, Is.ConfigMap)) return 'configMap';
        if (this.has(depth, Is.Kinded)) return null;
        if (this.role[depth] === Role.Item) return 'list';
        return (traits & KINDLESS) !== 0 && this.isNameless(depth) ? 'secret' : null;
      case Why.ValueOfItem:
        if (this.has(depth, Is.SecretList)) return 'secret';
        if (this.has(depth, Is.ConfigMapList)) return 'configMap';
        if (this.has(depth, Is.Kinded) && !this.has(depth, Is.PlainList)) return null;
        return (traits & KINDLESS) !== 0 ? 'secret' : null;
      case Why.Matched:
        return this.role[depth] === Role.Finding || this.has(depth, Is.Finding | Is.SecretRule)
          ? 'secretFinding'
          : null;
      case Why.Body:
        return this.has(depth, Is.Audited) ? 'auditBody' : null;
      case Why.EncryptionKey:
        return 'encryptionKey';
      case Why.Environment:
        return 'environment';
      default:
        return null;
    }
  }

  /** An object of Kubernetes by its looks, with values, that does not say its kind: cut out of its list, and of what else than Secrets would that be. */
  private isNameless(depth: number): boolean {
    return this.has(depth, Is.KubernetesLike) && this.has(depth, Is.Valued);
  }

  private has(depth: number, what: number): boolean {
    return ((this.is[depth] ?? 0) & what) !== 0;
  }

  private mark(depth: number, what: number): void {
    this.is[depth] = (this.is[depth] ?? 0) | what;
  }
}
