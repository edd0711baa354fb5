import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** A bag as files: path → bytes. */
export type BagFiles = ReadonlyMap<string, Buffer>;

/** Every file under a directory. */
export async function readBag(directory: string): Promise<BagFiles> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  const files = new Map<string, Buffer>();
  for (const entry of entries) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    files.set(path.slice(directory.length + 1), await readFile(path));
  }
  return files;
}

/**
 * What is wrong with a bag of version 1.0, by RFC 8493 and by nothing of ours: section 2.1.1 (bagit.txt), 2.1.3 and 3 (manifests: every payload file in each,
 * none twice, no file that is not there), 2.2.1 (tag manifests), 2.2.2 (Payload-Oxum), 2.4 (digests).
 */
export function bagFaults(files: BagFiles): string[] {
  const faults: string[] = [];
  const declaration = files.get('bagit.txt')?.toString('utf8');
  if (declaration === undefined) faults.push('bagit.txt is missing');
  else if (!/^BagIt-Version: \d+\.\d+\r?\nTag-File-Character-Encoding: UTF-8\r?\n?$/.test(declaration)) {
    faults.push('bagit.txt is not its two lines');
  }
  const payload = [...files.keys()].filter((path) => path.startsWith('data/'));
  const manifests = [...files.keys()].filter((path) => /^manifest-[a-z0-9]+\.txt$/.test(path));
  if (manifests.length === 0) faults.push('there is no payload manifest');
  for (const name of manifests) {
    const listed = check(files, name, faults);
    for (const path of payload) if (!listed.has(path)) faults.push(`${name} does not list ${path}`);
    for (const path of listed) if (!path.startsWith('data/')) faults.push(`${name} lists ${path}, which is no payload`);
  }
  for (const name of [...files.keys()].filter((path) => /^tagmanifest-[a-z0-9]+\.txt$/.test(path))) {
    for (const path of check(files, name, faults)) {
      if (path.startsWith('data/') || path.startsWith('tagmanifest-')) faults.push(`${name} lists ${path}`);
    }
  }
  const oxum = /^Payload-Oxum: (\d+)\.(\d+)\r?$/m.exec(files.get('bag-info.txt')?.toString('utf8') ?? '');
  if (oxum !== null) {
    const octets = payload.reduce((sum, path) => sum + (files.get(path)?.length ?? 0), 0);
    if (Number(oxum[1]) !== octets || Number(oxum[2]) !== payload.length) faults.push('Payload-Oxum is wrong');
  }
  return faults;
}

/** Paths that a manifest lists. */
function check(files: BagFiles, name: string, faults: string[]): Set<string> {
  const algorithm = /-([a-z0-9]+)\.txt$/.exec(name)?.[1] ?? '';
  const listed = new Set<string>();
  const lines = (files.get(name)?.toString('utf8') ?? '').split(/\r?\n/).filter((line) => line !== '');
  for (const line of lines) {
    const match = /^([0-9a-fA-F]+)[ \t]+\*?(.+)$/.exec(line);
    if (match === null) {
      faults.push(`${name} has a line that is none`);
      continue;
    }
    const [, digest = '', path = ''] = match;
    if (listed.has(path)) faults.push(`${name} lists ${path} twice`);
    listed.add(path);
    const bytes = files.get(path);
    if (bytes === undefined) faults.push(`${name} lists ${path}, which is missing`);
    else if (createHash(algorithm).update(bytes).digest('hex') !== digest.toLowerCase()) {
      faults.push(`${name}: ${path} has another digest`);
    }
  }
  return listed;
}
