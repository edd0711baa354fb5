import { access, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { PeerFailure, runChild } from './child.js';

const MINUTES = 15;

/** A virtual environment of Python with one package of PyPI in it; returns the folder of its programs. Kept from run to run where the folder is. */
export async function installFromPyPi(into: string, name: string, version: string): Promise<string> {
  const directory = join(into, `${name}-${version}`);
  const programs = join(directory, 'bin');
  if (await exists(join(directory, 'installed'))) return programs;
  await mkdir(directory, { recursive: true });
  await runChild('python3', ['-m', 'venv', directory], { directory, minutes: MINUTES });
  await runChild(join(programs, 'pip'), ['install', '--quiet', '--disable-pip-version-check', `${name}==${version}`], {
    directory,
    minutes: MINUTES,
  });
  await mkdir(join(directory, 'installed'));
  return programs;
}

/** A folder with one package of the npm registry in it: the first of the versions that installs. No script of it or of what it needs is run. */
export async function installFromNpm(
  into: string,
  name: string,
  versions: readonly string[],
): Promise<{ directory: string; version: string }> {
  const refusals: string[] = [];
  for (const version of versions) {
    const directory = join(into, `${name.replaceAll('/', '-')}-${version}`);
    if (await exists(join(directory, 'installed'))) return { directory, version };
    await mkdir(directory, { recursive: true });
    const quiet = ['--no-audit', '--no-fund', '--ignore-scripts', '--loglevel=error'];
    try {
      await runChild('npm', ['install', '--prefix', directory, ...quiet, `${name}@${version}`], {
        directory,
        minutes: MINUTES,
      });
      await mkdir(join(directory, 'installed'));
      return { directory, version };
    } catch (error) {
      if (!(error instanceof PeerFailure)) throw error;
      refusals.push(error.message);
    }
  }
  throw new PeerFailure(refusals.join('; '));
}

const exists = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  );
