import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { exitCode, Failure } from '../client/failure.js';
import { bold, print, printJson, setExit } from '../client/terminal.js';
import { printable } from '../client/text.js';

export interface VerifyCommandOptions {
  fingerprint?: string[];
  key?: string[];
  logKey?: string[];
  checkpoint?: string[];
  receipt?: string[];
  witness?: string[];
  tsa?: string[];
  json?: boolean;
}

/** Checks a package and says of each check how it ended. Speaks to no server. */
export async function verify(path: string, options: VerifyCommandOptions): Promise<void> {
  const { verifyPackage } = await import('../../verify/verify.js');
  const known = await knownFrom(options);
  const lineOf = ({ check, result, text }: { check: string; result: keyof typeof MARKS; text: string }): string =>
    `${MARKS[result]}  ${check.padEnd(WIDTH)}  ${printable(text)}`;
  const { verified, trusted, fault, lines, index, fingerprint } = await verifyPackage(path, known, (line) => {
    if (options.json !== true) print(lineOf(line));
  }).catch(unreadable);
  if (!verified) setExit(exitCode.refused);
  if (options.json === true) {
    printJson({
      verified,
      trusted,
      package: index === null ? null : { id: index.packageId, asOf: index.asOf, knownAt: index.knownAt },
      fingerprint,
      fault,
      lines,
    });
    return;
  }
  print('');
  const what = `package ${printable(index?.packageId ?? '')} of ${printable(index?.organization.name ?? '')}`;
  print(
    bold(
      fault !== null
        ? `NOT VERIFIED. The first thing wrong, ${fault.check}: ${printable(fault.text)}`
        : trusted
          ? `VERIFIED: nothing is wrong with ${what}`
          : `WHOLE, but signed by whom was not checked: ${what} says itself whose it is. Compare the key’s SHA-256, ${fingerprint ?? ''}`,
    ),
  );
}

const MARKS = { ok: 'ok  ', failed: 'FAIL', 'not-checked': '--  ' } as const;
/** Of the longest name of a check. */
const WIDTH = 'time-stamps'.length;

async function knownFrom(options: VerifyCommandOptions) {
  const { fingerprintIn } = await import('../../verify/known.js');
  const { verifierKeysIn } = await import('../../verify/notes.js');
  const { authoritiesIn } = await import('../../verify/time-stamps.js');
  const all = async <Result>(files: readonly string[] | undefined, act: (bytes: Buffer, name: string) => Result) => {
    const read: Result[] = [];
    for (const file of files ?? []) {
      try {
        read.push(act(await readFile(file), basename(file)));
      } catch (error) {
        unreadable(error);
      }
    }
    return read;
  };
  const held = (bytes: Buffer, name: string) => ({ name, bytes: endedOnce(bytes) });
  return {
    fingerprints: [...(options.fingerprint ?? []), ...(await all(options.key, fingerprintIn))],
    logKeys: (await all(options.logKey, verifierKeysIn)).flat(),
    witnesses: (await all(options.witness, verifierKeysIn)).flat(),
    authorities: (await all(options.tsa, authoritiesIn)).flat(),
    checkpoints: await all(options.checkpoint, held),
    receipts: await all(options.receipt, held),
  };
}

/** A signed note ends with one line end; whoever has saved one that came in JSON may have given it another, or none. */
function endedOnce(bytes: Buffer): Buffer {
  let end = bytes.length;
  while (end > 0 && bytes[end - 1] === 0x0a) end -= 1;
  return Buffer.concat([bytes.subarray(0, end), Buffer.from('\n')]);
}

/** Of the machine or the command line, not of the package. */
function unreadable(error: unknown): never {
  throw new Failure(exitCode.usage, error instanceof Error ? error.message : String(error));
}
