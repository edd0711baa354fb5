import { existsSync, readFileSync, readdirSync, writeFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gunzipSync, gzipSync } from 'node:zlib';
import { parseDocument } from 'yaml';
import { buildCatalog, digestOf } from './catalog.js';
import type { Catalog } from './catalog.js';
import { CatalogFaults, canonicalText } from './catalog.files.js';
import type { CatalogFiles } from './catalog.files.js';

/*
 * Reads the catalogue from disk. The one place that knows where it lies.
 *
 * How old versions stay readable: `catalog/releases/<version>.json.gz` is the canonical text of all files of a version in one JSON object (path → content),
 * gzipped (83 kB today). Its digest is the SHA-256 of the text inside, so `gunzip -c <file> | sha256sum` gives what evaluations name. The release
 * goes through the same schemas and rules as the files; when these change, `format` in version.yaml goes up and the reader of the old format stays.
 * `node dist/src/catalog/check.js --release` writes it; a version once released is never written again with other content.
 */

/** `catalog/` beside package.json, seen from `dist/src/catalog/`. */
export const CATALOG_DIRECTORY = fileURLToPath(new URL('../../../catalog/', import.meta.url));

const VERSION_FILE = 'version.yaml';
const FOLDERS = ['hipaa', 'hipaa/overlays', 'practices', 'crosswalks', 'mappings', 'checks', 'record-types'];
/** There were catalogues without: version.yaml says how many checks and types there must be. */
const OPTIONAL = new Set(['checks', 'record-types']);
const VERSION = /^\d{4}\.\d{1,2}\.\d{1,4}$/;
/** A release is about 0.5 MB of text; a hundred times that is no catalogue. */
const MAX_RELEASE_BYTES = 64 * 1024 * 1024;

/** The files of a catalogue folder. Throws `CatalogFaults` for every file that is not plain YAML (no duplicate keys, no aliases, no tags). */
export function readCatalogFiles(directory: string): CatalogFiles {
  const files: Record<string, unknown> = {};
  const faults: string[] = [];
  const read = (path: string) => {
    try {
      files[path] = readPlainYaml(directory, path);
    } catch (error) {
      if (!(error instanceof CatalogFaults)) throw error;
      faults.push(...error.faults);
    }
  };
  for (const path of [VERSION_FILE, 'defaults.yaml'])
    if (existsSync(join(directory, path))) read(path);
    else faults.push(`${path}: the file is missing`);
  for (const folder of FOLDERS) {
    if (OPTIONAL.has(folder) && !existsSync(join(directory, folder))) continue;
    if (!existsSync(join(directory, folder))) faults.push(`${folder}: the folder is missing`);
    else
      for (const entry of readdirSync(join(directory, folder), { withFileTypes: true }))
        if (entry.isFile()) read(`${folder}/${entry.name}`);
  }
  if (faults.length > 0) throw new CatalogFaults(faults);
  return files;
}

function readPlainYaml(directory: string, path: string): unknown {
  const document = parseDocument(readFileSync(join(directory, path), 'utf8'), { strict: true, uniqueKeys: true });
  const problems = [...document.errors, ...document.warnings].map(
    ({ linePos, message, code }) => `${path}:${linePos?.[0].line ?? 1}: ${message.split('\n')[0] ?? code}`,
  );
  if (problems.length > 0) throw new CatalogFaults(problems);
  try {
    return document.toJS({ maxAliasCount: 0 });
  } catch (error) {
    throw new CatalogFaults([`${path}: ${error instanceof Error ? error.message : String(error)}`]);
  }
}

/** The catalogue that the files hold, checked. */
export function loadCatalog(directory: string = CATALOG_DIRECTORY): Catalog {
  return buildCatalog(readCatalogFiles(directory));
}

/**
 * The catalogue of today, checked: as its version was released, or from the files while it is not. A version says one thing: what was changed
 * under a released one is refused by `check.js`, and judges nothing before it has a version of its own. To read 2 MB of YAML takes a second, the release a tenth.
 */
export function currentCatalog(directory: string = CATALOG_DIRECTORY): Catalog {
  if (directory !== CATALOG_DIRECTORY) return readCurrent(directory);
  return (ours ??= readCurrent(directory));
}

/** What came with the program: it does not change while this runs. */
let ours: Catalog | undefined;

function readCurrent(directory: string): Catalog {
  const named = readPlainYaml(directory, VERSION_FILE) as { version?: unknown } | null;
  const version = releasedVersions(directory).find((released) => released === named?.version);
  return version === undefined ? loadCatalog(directory) : loadRelease(version, directory);
}

/** Versions that were released, oldest first. */
export function releasedVersions(directory: string = CATALOG_DIRECTORY): string[] {
  const folder = join(directory, 'releases');
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .flatMap((name) => (name.endsWith('.json.gz') ? [name.slice(0, -'.json.gz'.length)] : []))
    .filter((version) => VERSION.test(version))
    .sort((a, b) => a.localeCompare(b, 'en', { numeric: true }));
}

/** A released version, checked like the current one. Throws a RangeError where it was never released. */
export function loadRelease(version: string, directory: string = CATALOG_DIRECTORY): Catalog {
  if (!VERSION.test(version) || !existsSync(releasePath(version, directory)))
    throw new RangeError(`catalogue ${version} was never released`);
  const bytes = gunzipSync(readFileSync(releasePath(version, directory)), { maxOutputLength: MAX_RELEASE_BYTES });
  const text = bytes.toString('utf8');
  const files = JSON.parse(text) as CatalogFiles;
  const catalog = buildCatalog(files);
  const name = `releases/${version}.json.gz`;
  if (catalog.digest !== digestOf(text)) throw new CatalogFaults([`${name}: is not in canonical form`]);
  if (catalog.version !== version) throw new CatalogFaults([`${name}: holds version ${catalog.version}`]);
  return catalog;
}

/** Keeps the current version for ever. Throws `CatalogFaults` where it was released before with other content. Returns the path, and whether it is new. */
export function releaseCatalog(directory: string = CATALOG_DIRECTORY): { path: string; written: boolean } {
  const files = readCatalogFiles(directory);
  const catalog = buildCatalog(files);
  const path = releasePath(catalog.version, directory);
  if (existsSync(path)) {
    checkReleased(catalog, directory);
    return { path, written: false };
  }
  mkdirSync(join(directory, 'releases'), { recursive: true });
  writeFileSync(path, gzipSync(canonicalText(files), { level: 9 }), { flag: 'wx' });
  return { path, written: true };
}

/** A version that was released is closed: throws `CatalogFaults` where the files say something else under the same version. */
export function checkReleased(catalog: Catalog, directory: string = CATALOG_DIRECTORY): void {
  if (!releasedVersions(directory).includes(catalog.version)) return;
  const released = loadRelease(catalog.version, directory);
  if (released.digest !== catalog.digest)
    throw new CatalogFaults([
      `version.yaml: version: ${catalog.version} was released with other content; a changed catalogue needs a new version`,
    ]);
}

function releasePath(version: string, directory: string): string {
  return join(directory, 'releases', `${version}.json.gz`);
}
