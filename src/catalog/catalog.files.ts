import type { z } from 'zod';
import type { OrganizationCheck } from './checks.mapping.js';
import { ChecksFile } from './checks.schema.js';
import {
  ControlsFile,
  CrosswalkFile,
  DefaultsFile,
  MappingFile,
  OverlayFile,
  PodSecurityFile,
  PracticesFile,
  VersionFile,
} from './catalog.schema.js';
import { RecordTypesFile } from './record-type.js';

/** The catalogue as read: path inside the catalogue folder (`practices/network.yaml`) → what the YAML holds. Nothing is checked yet. */
export type CatalogFiles = Readonly<Record<string, unknown>>;

/** Files of one kind, by path. */
export type Kept<T> = ReadonlyMap<string, T>;

/** The catalogue with every file in its documented shape. Whether the files agree with each other is the question of catalog.rules.ts. */
export interface CatalogContent {
  readonly version: VersionFile;
  readonly defaults: DefaultsFile;
  readonly controls: ControlsFile;
  readonly overlays: Kept<OverlayFile>;
  readonly practices: Kept<PracticesFile>;
  readonly crosswalks: Kept<CrosswalkFile>;
  readonly podSecurity: PodSecurityFile;
  readonly mappings: Kept<MappingFile>;
  /** Policy as code; none in versions of before there was any. */
  readonly checks: Kept<ChecksFile>;
  /** Sorts of records that people keep; none in versions of before there were any. */
  readonly recordTypes: Kept<RecordTypesFile>;
  /** What an organisation makes of them; of no file. */
  readonly organization?: readonly OrganizationCheck[];
}

/** Everything that is wrong with a catalogue, each fault with its file and its place in it. */
export class CatalogFaults extends Error {
  constructor(readonly faults: readonly string[]) {
    super(`the catalogue has ${faults.length} fault${faults.length === 1 ? '' : 's'}:\n${faults.join('\n')}`);
    this.name = 'CatalogFaults';
  }
}

/** `controls[3].hipaa.primary[0]`, as one would write it. */
export function placeOf(path: readonly PropertyKey[]): string {
  return path.reduce<string>(
    (place, part) =>
      typeof part === 'number' ? `${place}[${part}]` : place === '' ? String(part) : `${place}.${String(part)}`,
    '',
  );
}

const VERSION = 'version.yaml';
const DEFAULTS = 'defaults.yaml';
export const CONTROLS = 'hipaa/controls.yaml';
export const POD_SECURITY = 'crosswalks/pod-security-standards.yaml';

/** Gives every file its documented shape, or throws all the faults of all the files. */
export function parseFiles(files: CatalogFiles): CatalogContent {
  const faults: string[] = [];
  const known = new Set<string>();

  function parse<T>(path: string, schema: z.ZodType<T>): T | undefined {
    known.add(path);
    if (!Object.hasOwn(files, path)) {
      faults.push(`${path}: the file is missing`);
      return undefined;
    }
    const result = schema.safeParse(files[path]);
    if (result.success) return result.data;
    for (const issue of result.error.issues) faults.push(`${path}: ${placeOf(issue.path)}: ${issue.message}`);
    return undefined;
  }

  function parseFolder<T>(folder: string, schema: z.ZodType<T>, least: 0 | 1 = 1): Map<string, T> {
    const parsed = new Map<string, T>();
    for (const path of Object.keys(files).sort()) {
      if (!path.startsWith(folder) || known.has(path) || path.slice(folder.length).includes('/')) continue;
      const file = parse(path, schema);
      if (file !== undefined) parsed.set(path, file);
    }
    if (parsed.size < least) faults.push(`${folder}: no readable file`);
    return parsed;
  }

  const version = parse(VERSION, VersionFile);
  const defaults = parse(DEFAULTS, DefaultsFile);
  const controls = parse(CONTROLS, ControlsFile);
  const podSecurity = parse(POD_SECURITY, PodSecurityFile);
  const overlays = parseFolder('hipaa/overlays/', OverlayFile);
  const practices = parseFolder('practices/', PracticesFile);
  const crosswalks = parseFolder('crosswalks/', CrosswalkFile);
  const mappings = parseFolder('mappings/', MappingFile);
  const checks = parseFolder('checks/', ChecksFile, 0);
  const recordTypes = parseFolder('record-types/', RecordTypesFile, 0);

  for (const path of Object.keys(files)) {
    if (!known.has(path)) faults.push(`${path}: no such file belongs to the catalogue`);
  }
  if (faults.length > 0 || !version || !defaults || !controls || !podSecurity) throw new CatalogFaults(faults);
  return { version, defaults, controls, overlays, practices, crosswalks, podSecurity, mappings, checks, recordTypes };
}

/**
 * The content as one JSON text: keys sorted by UTF-16 code units, no space, as in RFC 8785. The catalogue holds only strings, integers, short decimals,
 * booleans and null, for which ECMAScript's own JSON text is the canonical one. Comments and layout of the YAML do not show in it.
 */
export function canonicalText(value: unknown): string {
  return JSON.stringify(value, (_key, part: unknown) =>
    part !== null && typeof part === 'object' && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)))
      : part,
  );
}
