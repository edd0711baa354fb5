import type { AgentOptions } from '../agent-options.js';

/** Runs the agent. It stands on a client of Kubernetes that no other command needs, and is loaded only here. */
export async function agent(options: AgentOptions): Promise<void> {
  const main = (await import(new URL('../../agent/main.js', import.meta.url).href)) as {
    runAgent(options: AgentOptions): Promise<void>;
  };
  await main.runAgent(options);
}
