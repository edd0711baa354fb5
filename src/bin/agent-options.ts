import { type Command, InvalidArgumentError, Option } from 'commander';
import { addressed, duration, given, oneOf, type ScopeOptions } from './options.js';

/** Scanners that the agent can run; each is looked for on the PATH. */
export const scanners = ['kube-bench', 'trivy', 'kubescape'] as const;
export type Scanner = (typeof scanners)[number];

export const logLevels = ['fatal', 'error', 'warn', 'info', 'debug'] as const;

/** What `safeguard agent` is told. Everything but one-off switches has a variable, as a pod is configured. */
export interface AgentOptions extends ScopeOptions {
  once?: boolean;
  dryRun?: boolean;
  output?: string;
  interval: number;
  kubeconfig?: string;
  context?: string;
  clusterName?: string;
  exclude: string[];
  reports: boolean;
  spool: string;
  spoolLimit: number;
  dropFolder?: string;
  run: Scanner[];
  runInterval: number;
  nodeName?: string;
  signKey?: string;
  caFile?: string;
  metricsPort: number;
  logLevel: (typeof logLevels)[number];
}

/** The options of the agent; docs/commands.md and docs/agent.md have them as a table. */
export function agentOptions(command: Command): Command {
  const timed = (flags: string, meaning: string, env: string, standard: string): Option =>
    new Option(flags, meaning).env(env).argParser(duration).default(duration(standard), standard);
  return addressed(command)
    .addOption(
      new Option('--organization <id>', 'the organisation (needed, but for --dry-run)')
        .env('SAFEGUARD_ORGANIZATION')
        .argParser(given),
    )
    .addOption(
      new Option('--system <id|name>', 'its system that this cluster is (needed, but for --dry-run)')
        .env('SAFEGUARD_SYSTEM')
        .argParser(given),
    )
    .addOption(
      new Option('--token-file <file>', 'the bearer token for the server, read anew at each use').env(
        'SAFEGUARD_TOKEN_FILE',
      ),
    )
    .addOption(
      new Option(
        '--ca-file <file>',
        "PEM of the authorities that the server's certificate is checked by, instead of the public ones",
      ).env('SAFEGUARD_CA_FILE'),
    )
    .option('--once', 'collect once, post, and end (a CronJob); default: go on')
    .addOption(timed('--interval <duration>', 'from one collection to the next', 'SAFEGUARD_INTERVAL', '1h'))
    .addOption(
      timed(
        '--retry-for <duration>',
        'with --once: how long to try to post; what is left stays in the spool for the next run',
        'SAFEGUARD_RETRY_FOR',
        '10m',
      ),
    )
    .option('--dry-run', 'collect, and print what would be sent; send nothing')
    .option('--output <file>', 'with --dry-run: write the snapshot there (NDJSON); - is standard output')
    .addOption(
      new Option('--kubeconfig <file>', "default: the pod's own service account, else what kubectl would take").env(
        'SAFEGUARD_KUBECONFIG',
      ),
    )
    .addOption(new Option('--context <name>', 'which context of the kubeconfig').env('SAFEGUARD_CONTEXT'))
    .addOption(
      new Option('--cluster-name <label>', 'how people call the cluster; its identity is the uid of kube-system').env(
        'SAFEGUARD_CLUSTER_NAME',
      ),
    )
    .addOption(
      new Option('--exclude <resource,...>', 'not to be asked for: secrets, or with its group, policies.kyverno.io')
        .env('SAFEGUARD_EXCLUDE')
        .argParser(words)
        .default([], 'none'),
    )
    .option('--no-reports', 'do not post the reports that scanners keep as objects (PolicyReport, Trivy Operator)')
    .addOption(
      new Option('--spool <folder>', 'what was collected lies here until it is posted')
        .env('SAFEGUARD_SPOOL')
        .default('/var/lib/safeguard/spool'),
    )
    .addOption(
      new Option('--spool-limit <size>', 'bytes that the spool may hold; its volume needs twice as many')
        .env('SAFEGUARD_SPOOL_LIMIT')
        .argParser(size)
        .default(size('1GiB'), '1GiB'),
    )
    .addOption(
      new Option('--drop-folder <folder>', 'where scanners leave reports to be posted').env('SAFEGUARD_DROP_FOLDER'),
    )
    .addOption(
      new Option('--run <scanner,...>', `scanners to run: ${scanners.join(', ')}`)
        .env('SAFEGUARD_RUN')
        .argParser(oneOf(scanners))
        .default([], 'none'),
    )
    .addOption(timed('--run-interval <duration>', 'from one run to the next', 'SAFEGUARD_RUN_INTERVAL', '24h'))
    .addOption(
      new Option('--node-name <name>', 'the node that kube-bench runs on').env('SAFEGUARD_NODE_NAME').argParser(name),
    )
    .addOption(
      new Option('--sign-key <file>', 'PEM of a private key (P-256, Ed25519): what is posted is signed').env(
        'SAFEGUARD_SIGN_KEY_FILE',
      ),
    )
    .addOption(
      new Option('--metrics-port <port>', '/metrics and /healthz; 0: none; not with --once')
        .env('SAFEGUARD_METRICS_PORT')
        .argParser(port)
        .default(9464),
    )
    .addOption(
      new Option('--log-level <level>', 'what is logged, as JSON lines')
        .env('SAFEGUARD_LOG_LEVEL')
        .choices(logLevels)
        .default('info'),
    );
}

/** "512MiB", "2GiB", "100000". */
export function size(text: string): number {
  const match = /^(\d{1,15})(KiB|MiB|GiB)?$/.exec(text);
  if (match === null) throw new InvalidArgumentError('A size is a number of bytes, or with KiB, MiB or GiB: 512MiB.');
  const unit = { KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30 }[match[2] as 'KiB' | 'MiB' | 'GiB'];
  const bytes = Number(match[1]) * (match[2] === undefined ? 1 : unit);
  // Below this not even an empty cluster's snapshot would find its place.
  if (bytes < 2 ** 20) throw new InvalidArgumentError('It is at least 1MiB.');
  return bytes;
}

function port(text: string): number {
  if (!/^\d{1,5}$/.test(text) || Number(text) > 65_535) {
    throw new InvalidArgumentError('A port is a number from 0 to 65535.');
  }
  return Number(text);
}

function words(text: string): string[] {
  return text
    .split(',')
    .map((word) => word.trim())
    .filter((word) => word !== '');
}

/** A node's name becomes part of a target: RFC 1123, as Kubernetes holds it to. */
function name(text: string): string {
  if (!/^[a-z0-9][a-z0-9.-]{0,252}$/.test(text)) throw new InvalidArgumentError('It is no name of a node.');
  return text;
}
