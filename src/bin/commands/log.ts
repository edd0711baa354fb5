import { exitCode, Failure } from '../client/failure.js';
import { print } from '../client/terminal.js';

/** Has all logs go on under new origins, where the service refuses to sign the heads of one, or the operator says that its database was restored. */
export async function newOrigin({ restored = false }: { restored?: boolean }): Promise<void> {
  const { ConfigFaults, environment, loadConfig } = await import('../../config.js');
  const { beginNewLogs } = await import('../../new-logs.js');
  try {
    const begun = await beginNewLogs(loadConfig(environment()), { restored });
    if (begun === null) {
      throw new Failure(
        exitCode.refused,
        'the heads of all logs are signed: there is nothing that new logs would mend (a restore that nobody outside can tell of: --restored)',
      );
    }
    for (const { origin, reason } of begun.faults) print(`${origin}: ${reason}`);
    print(
      `The logs go on under origins that end in /${begun.number}. Tell the witnesses the key of the new anchor log.`,
    );
  } catch (error) {
    if (!(error instanceof ConfigFaults)) throw error;
    throw new Failure(exitCode.usage, error.message);
  }
}
