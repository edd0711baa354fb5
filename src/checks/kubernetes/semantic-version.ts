import { SemVer } from 'semver';
import { described, MalformedError } from './objects.js';

/**
 * Versions as Kubernetes' CEL library has them since 1.33: https://semver.org/ 2.0.0, strict; with `normalize` a leading `v`, leading zeros and missing
 * parts are put right first. Source: k8s.io/apiserver/pkg/cel/library, semverlib.go.
 * Numbers past 2⁵³ are refused here, past 2⁶⁴ there.
 */
export class SemanticVersion {
  private constructor(private readonly version: SemVer) {}

  static parse(value: unknown, normalize = false): SemanticVersion {
    if (typeof value !== 'string') throw new MalformedError(`a version is a string, not ${described(value)}`);
    const version = parsed(normalize ? normalized(value) : value);
    if (version === undefined) throw new MalformedError(`${described(value)} is not a semantic version`);
    return new SemanticVersion(version);
  }

  static is(text: string, normalize = false): boolean {
    return parsed(normalize ? normalized(text) : text) !== undefined;
  }

  major(): bigint {
    return BigInt(this.version.major);
  }

  minor(): bigint {
    return BigInt(this.version.minor);
  }

  patch(): bigint {
    return BigInt(this.version.patch);
  }

  /** By precedence: what stands after a `+` counts for nothing. */
  compareTo(other: SemanticVersion): -1 | 0 | 1 {
    return this.version.compare(other.version);
  }

  isLessThan(other: SemanticVersion): boolean {
    return this.compareTo(other) < 0;
  }

  isGreaterThan(other: SemanticVersion): boolean {
    return this.compareTo(other) > 0;
  }

  equals(other: SemanticVersion): boolean {
    return this.compareTo(other) === 0;
  }

  toString(): string {
    return this.version.raw;
  }
}

function parsed(text: string | undefined): SemVer | undefined {
  // The library takes a leading `v` and spaces around, Kubernetes does not.
  if (text === undefined || !/^\d\S*$/.test(text)) return undefined;
  let version: SemVer;
  try {
    version = new SemVer(text);
  } catch {
    return undefined;
  }
  const exact = version.prerelease.every((part) => !/^\d+$/.test(String(part)) || Number.isSafeInteger(Number(part)));
  return exact ? version : undefined;
}

/** Only a version without prerelease and build may be short: of `1.2-rc1` nobody can say whether `2-rc1` is a part or a suffix. */
function normalized(text: string): string | undefined {
  const [major = '', minor, ...rest] = text.replace(/^v/, '').split('.');
  const parts = [major, ...(minor === undefined ? [] : [minor]), ...(rest.length === 0 ? [] : [rest.join('.')])];
  if (parts.length < 3 && /[+-]/.test(parts.at(-1) ?? '')) return undefined;
  while (parts.length < 3) parts.push('0');
  // `1.2.-rc1` is `1.2.0-rc1` to Kubernetes.
  return parts.map((part) => (part.length > 1 ? part.replace(/^0+/, '').replace(/^(?!\d)/, '0') : part)).join('.');
}
