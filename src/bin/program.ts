import { Command, CommanderError, Option } from 'commander';
import { agentOptions } from './agent-options.js';
import { forgetEmptySettings } from './client/environment.js';
import { exitCode, exitCodes, Failure, Transient } from './client/failure.js';
import { encodings } from './client/payload.js';
import { progress, say, setExit } from './client/terminal.js';
import { printable } from './client/text.js';
import { version } from './client/version.js';
import { agent } from './commands/agent.js';
import { exportChecks, testChecks } from './commands/checks.js';
import { enrol, environments, keySources, modes, phi } from './commands/enrol.js';
import { login } from './commands/login.js';
import { logout } from './commands/logout.js';
import { newOrigin } from './commands/log.js';
import { migrate } from './commands/migrate.js';
import { packageCommand } from './commands/package.js';
import { posture, statuses } from './commands/posture.js';
import { push } from './commands/push.js';
import { serve } from './commands/serve.js';
import { token } from './commands/token.js';
import { verify } from './commands/verify.js';
import { whoami } from './commands/whoami.js';
import { addressed, calling, duration, each, fingerprint, given, inSystem, instant, oneOf, target } from './options.js';
import { addEngagementCommands } from './engagement-options.js';
import { addRecordCommands } from './record-options.js';

/** The commands, their options and what runs them. */
export function buildProgram(): Command {
  const program = new Command('safeguard')
    .description('Evidence of HIPAA Security Rule safeguards: send it, see what it shows, hand it to an auditor.')
    .version(version, '--version', 'print the version')
    .helpOption('-h, --help', 'print this help')
    .helpCommand(false)
    .showSuggestionAfterError()
    .showHelpAfterError('Run with --help for the options.')
    .addHelpText('after', `\nExit codes:\n${exitCodes.map(([code, meaning]) => `  ${code}  ${meaning}`).join('\n')}`)
    .exitOverride();

  program.command('serve').description('Run the server (configured by its environment).').action(serve);
  program.command('migrate').description("Bring the database to this version's schema.").action(migrate);
  const log = program.command('log').description('The logs of audit events, as their operator has them.');
  log
    .command('new-origin')
    .description(
      'Begin new logs in place of those whose heads are no longer signed, as a restored database is behind what was kept outside (docs/anchors.md). Configured as the server is.',
    )
    .option(
      '--restored',
      'also where nothing is refused: the database was restored to an earlier time, and no heads are kept outside that would tell',
    )
    .action(newOrigin);
  addressed(program.command('login'))
    .description(
      'Log in with a browser on any device, and keep the tokens for this server in a file only you can read.',
    )
    .option('--issuer <url>', "which of the server's issuers (default: its only one)")
    .option('--client-id <id>', 'the client at the issuer (default: the one that the server names)')
    .action(login);
  addressed(program.command('logout'))
    .description('Revoke the stored tokens where the provider can, and delete them.')
    .action(logout);
  calling(program.command('whoami'), '15s')
    .description('Print who the server takes you for and what you may do.')
    .action(whoami);
  addressed(program.command('token'))
    .description('Print an access token of the login, for curl: TOKEN=$(safeguard token). It is good for minutes.')
    .action(token);
  inSystem(calling(program.command('push'), '5m'), 'the system that the reports are of')
    .description('Send reports of scanners as scans of a system; sending again what was sent is harmless.')
    .argument('<file...>', 'reports, compressed or not; - is standard input')
    .option(
      '--observed-at <instant>',
      'when the tool looked (RFC 3339), for reports without a time of their own',
      instant,
    )
    .option('--targets <kind/name>', 'what the scan covered; may be given several times', each(target))
    .option('--partial', 'the scan did not cover its targets completely: it closes nothing')
    .option('--format <format>', 'the format of the reports (default: found out by the server)')
    .addOption(new Option('--encoding <coding>', 'compression of the transfer').choices(encodings).default('zstd'))
    .option('--async', 'have the server answer before it has read the report')
    .option('--wait', 'with --async: wait until each report is stored or refused')
    .addOption(
      new Option('--wait-for <duration>', 'how long to wait for a deferred report')
        .argParser(duration)
        .default(duration('30m'), '30m'),
    )
    .addHelpText('after', '\nWith --json: one JSON object per file and line.')
    .action(push);
  inSystem(calling(program.command('posture'), '15s'), 'one system (default: the whole organisation)')
    .description('Print what is evidenced, by control and practice, now or at any past instant.')
    .option('--as-of <instant>', 'how it was then (RFC 3339; default: now)', instant)
    .option('--known-at <instant>', 'as far as it was known then (RFC 3339; default: now)', instant)
    .option('--control <id>', 'one control and its practices')
    .option('--status <status,...>', 'show these statuses only', oneOf(statuses))
    .option(
      '--fail-on <status,...>',
      'exit with 3 when a control or practice in view has one of these',
      oneOf(statuses),
    )
    .addHelpText('after', `\nStatuses: ${statuses.join(', ')}`)
    .action(posture);
  inSystem(calling(program.command('package'), '5m'), 'one system (default: the whole organisation)')
    .description('Have a package for an auditor built, and download it; a cut download goes on where it was cut.')
    .option('--as-of <instant>', 'the posture as it was then (RFC 3339; default: now)', instant)
    .option(
      '--period-from <instant>',
      'from when it has earlier policies and samples (RFC 3339; default: a year before)',
      instant,
    )
    .option('--known-at <instant>', 'as far as it was known then (RFC 3339; default: now)', instant)
    .option('--encrypt-to <recipient...>', 'recipients of age (age1…) who alone can open it')
    .option(
      '--expires-at <instant>',
      'until when it can be downloaded (RFC 3339; default: as long as evidence)',
      instant,
    )
    .option('--output <file>', 'where to (default: safeguard-<id>.zip, with .age where it is encrypted)')
    .option('--force', 'replace the file if it is there')
    .option('--id <id>', 'download a package that was asked for before')
    .option('--cancel', 'cancel it (--id) instead, if it is still being built')
    .addOption(
      new Option('--wait-for <duration>', 'how long to wait for the package')
        .argParser(duration)
        .default(duration('1h'), '1h'),
    )
    .action(packageCommand);
  program
    .command('verify')
    .description(
      'Check a package, offline: that it is complete, unchanged, and signed, and that its log was never rewritten.',
    )
    .argument('<package>', 'the ZIP, or the folder that it was unpacked to')
    .option(
      '--fingerprint <sha256>',
      'of a key that may have signed it, in hex; may be given several times',
      each(fingerprint),
    )
    .option('--key <file>', 'such a key in PEM; may be given several times', each(given))
    .option(
      '--log-key <file>',
      'vkeys of the log, its receipts or the anchor log, a line each, in place of those of the same name in the package',
      each(given),
    )
    .option('--checkpoint <file>', 'a checkpoint of the log from earlier, which it has to extend', each(given))
    .option('--receipt <file>', 'a receipt from the log, which it has to have kept', each(given))
    .option(
      '--witness <file>',
      'vkeys, a line each, of witnesses that all have to have cosigned the anchor log',
      each(given),
    )
    .option(
      '--tsa <file>',
      'root certificates in PEM of time-stamping authorities, one of which has to have stamped it',
      each(given),
    )
    .option('--json', 'print one JSON document')
    .addHelpText(
      'after',
      '\nOf each check a line: `ok`, `FAIL`, or `--` where there is nothing to check. Exits with 1 when anything is wrong.',
    )
    .action(verify);
  inSystem(calling(program.command('enrol'), '15s'), 'the system that the cluster is; created if it is not there')
    .description(
      "Bring the cluster of kubectl's context under evidence: create the system, trust the cluster's issuer, apply the agent. What is there already stays.",
    )
    .addOption(
      new Option('--environment <which>', 'of a system that is created').choices(environments).default('production'),
    )
    .addOption(new Option('--phi <what>', 'what a system that is created does with PHI').choices(phi).default('stores'))
    .option('--phi-namespaces <name,...>', 'its namespaces that hold PHI', (text: string) => text.split(','))
    .option('--context <name>', "a context of kubectl's configuration (default: the current one)")
    .addOption(new Option('--mode <mode>', 'how the agent runs').choices(modes).default('cronjob'))
    .option(
      '--with-secrets',
      'let the agent list Secrets, by their metadata; RBAC cannot keep their values from its token',
    )
    .option('--with-gatekeeper', 'let the agent list the constraints of Gatekeeper')
    .option('--image <name@digest>', "the agent's image (default: the one that the operator has set)")
    .addOption(
      new Option(
        '--keys <which>',
        "trust the issuer's own keys, those that the cluster prints, or whichever can be had",
      )
        .choices(keySources)
        .default('auto'),
    )
    .option(
      '--signing-key <file>',
      'public key in PEM by which the agent signs what it sends; may be given again',
      each((file) => file),
    )
    .option('--print', 'print the three commands, and do nothing')
    .option('--manifest', "print the agent's manifest, and do nothing")
    .action(enrol);
  addRecordCommands(program);
  addEngagementCommands(program);
  const checks = program.command('checks').description('Policy as code over the objects of a cluster.');
  checks
    .command('test')
    .description('Compile checks and run their examples; says of each that does not hold what came out.')
    .argument('[file...]', 'YAML files of checks (default: those that are shipped)')
    .action(testChecks);
  checks
    .command('export')
    .description('Write checks that judge one object alone as ValidatingAdmissionPolicies; says of the others why not.')
    .argument('[file...]', 'YAML files of checks (default: those that are shipped)')
    .option('--dir <dir>', 'a file for each check (default: all of them on standard output)')
    .addOption(
      new Option('--action <action>', 'what becomes of an object that fails').choices(['deny', 'warn']).default('deny'),
    )
    .option(
      '--phi-label <key=value,...>',
      'a label that marks PHI; may be given several times',
      each((text) => text),
    )
    .option(
      '--phi-namespace <name>',
      'a namespace that holds PHI; may be given several times',
      each((text) => text),
    )
    .action(exportChecks);
  agentOptions(program.command('agent'))
    .description('Collect what a cluster says of itself and what its scanners report, and send it; see docs/agent.md.')
    .action(agent);
  return program;
}

/** Runs one command line and sets the exit code. Says what went wrong in words, never as a stack. */
export async function run(argv: readonly string[]): Promise<void> {
  // A reader that has seen enough (`| head`) does not stop an upload.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
  });
  forgetEmptySettings();
  try {
    await buildProgram().parseAsync(argv);
  } catch (error) {
    progress(null);
    if (error instanceof CommanderError) {
      setExit(error.exitCode === 0 ? exitCode.ok : exitCode.usage);
      return;
    }
    setExit(
      error instanceof Failure ? error.exit : error instanceof Transient ? exitCode.unreachable : exitCode.refused,
    );
    const message = error instanceof Error ? error.message : String(error);
    say(
      `safeguard: ${message
        .split('\n')
        .map((line) => printable(line))
        .join('\n  ')}`,
    );
    if ((error instanceof Failure || error instanceof Transient) && error.next !== undefined)
      say(`  next: ${error.next}`);
  }
}
