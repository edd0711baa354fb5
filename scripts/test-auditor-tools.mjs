// `npm run test:auditor-tools`: packages against the tools that VERIFY.md names, each as its own registry has it: bagit.py and trestle from PyPI, cosign,
// Tessera's fsck, torchwood's spicy and golang.org/x/mod from Go's module proxy, oscal-cli from Maven Central. They are kept in .data/auditor-tools; the first
// run builds cosign, which takes some minutes. What has no Python, Go or Maven here, or is not served, is said and skipped.
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { prepare, programNode, ROOT, run } from './prepare.mjs';

const TOOLS = join(ROOT, '.data', 'auditor-tools');
const BIN = join(TOOLS, 'bin');

/** From PyPI. bagit below 1.9 does not look at the tag manifests of BagIt 1.0. */
const PYTHON = { 'bagit.py': 'bagit==1.9.0', trestle: 'compliance-trestle==5.2.0' };
/** From Go's module proxy. Each is built by itself: cosign asks for the newest Go. */
const GO = {
  fsck: 'github.com/transparency-dev/tessera/cmd/fsck@v1.0.4',
  spicy: 'filippo.io/torchwood/cmd/spicy@v0.6.1',
  cosign: 'github.com/sigstore/cosign/v3/cmd/cosign@v3.1.3',
};
const MOD = 'golang.org/x/mod@v0.33.0';
const OSCAL_CLI = 'dev.metaschema.oscal:oscal-cli-enhanced:3.1.0:zip:oscal-cli';

await prepare();
mkdirSync(BIN, { recursive: true });
/** @type {string[]} */
const absent = [];
bringPython();
bringGo();
bringOscalCli();
await test();

function bringPython() {
  const python = join(TOOLS, 'python');
  for (const [program, requirement] of Object.entries(PYTHON)) {
    bring(program, join(python, 'bin', program), 'python3', () => {
      if (!existsSync(join(python, 'bin', 'pip'))) command('python3', ['-m', 'venv', python]);
      command(join(python, 'bin', 'pip'), ['install', '--quiet', '--disable-pip-version-check', requirement]);
    });
  }
}

function bringGo() {
  const env = { GOBIN: BIN, CGO_ENABLED: '0' };
  for (const [program, module] of Object.entries(GO)) {
    bring(program, join(BIN, program), 'go', () => command('go', ['install', module], { env }));
  }
  bring('tlog', join(BIN, 'tlog'), 'go', () => {
    const folder = join(TOOLS, 'tlog');
    cpSync(join(ROOT, 'test/auditor-tools/tlog'), folder, { recursive: true });
    writeFileSync(join(folder, 'go.mod'), 'module tlog\n');
    command('go', ['get', MOD], { env, cwd: folder });
    command('go', ['build', '-o', join(BIN, 'tlog'), '.'], { env, cwd: folder });
  });
}

function bringOscalCli() {
  const folder = join(TOOLS, 'oscal-cli');
  bring('oscal-cli', join(folder, 'bin', 'oscal-cli'), 'mvn', () => {
    command('mvn', ['-q', 'dependency:get', `-Dartifact=${OSCAL_CLI}`, '-Dtransitive=false']);
    command('mvn', ['-q', 'dependency:unpack', `-Dartifact=${OSCAL_CLI}`, `-DoutputDirectory=${folder}`]);
  });
}

/**
 * @param {string} name
 * @param {string} program what has to be there in the end
 * @param {string} needs without which it is not tried
 * @param {() => void} install
 */
function bring(name, program, needs, install) {
  if (existsSync(program)) return;
  if (spawnSync('sh', ['-c', 'command -v "$0"', needs]).status !== 0) {
    absent.push(`${name}: there is no ${needs} on this machine`);
    return;
  }
  console.log(`Bringing ${name} …`);
  try {
    install();
  } catch (error) {
    absent.push(`${name}: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/**
 * @param {string} program
 * @param {string[]} args
 * @param {{ env?: Record<string, string>; cwd?: string }} options
 */
function command(program, args, { env = {}, cwd = TOOLS } = {}) {
  const { status, stderr, stdout } = spawnSync(program, args, {
    cwd,
    encoding: 'utf8',
    env: { ...process.env, ...env },
  });
  if (status !== 0) {
    const said = `${stdout}\n${stderr}`
      .split('\n')
      .find((line) => /error|forbidden|could not|not available/i.test(line));
    throw new Error(`${program} ${args.slice(0, 3).join(' ')} failed: ${(said ?? '').trim().slice(0, 300)}`);
  }
}

/** The last line is "N passed, N failed", with ", N skipped" when some were. */
async function test() {
  const directory = mkdtempSync(join(tmpdir(), 'safeguard-auditor-tools-'));
  const report = join(directory, 'results.json');
  process.env.AUDITOR_TOOLS = TOOLS;
  try {
    const code = await run(programNode(), [
      'node_modules/vitest/vitest.mjs',
      'run',
      '--config=dist/vitest.auditor-tools.config.js',
      '--root=.',
      '--reporter=default',
      '--reporter=json',
      `--outputFile.json=${report}`,
    ]);
    const {
      numPassedTests: passed,
      numFailedTests: failed,
      numPendingTests: skipped,
    } = existsSync(report)
      ? JSON.parse(readFileSync(report, 'utf8'))
      : { numPassedTests: 0, numFailedTests: 0, numPendingTests: 0 };
    for (const line of absent) console.log(`SKIPPED ${line}`);
    const broken = failed === 0 && (code !== 0 || passed === 0) ? 1 : failed;
    console.log(`${passed} passed, ${broken} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`);
    process.exitCode = broken > 0 ? 1 : 0;
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}
