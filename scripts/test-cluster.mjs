// `npm run test:cluster`: the product against a real Kubernetes API server with etcd, which `npm test` does without. KUBE_APISERVER and ETCD name the programs; else they and kubectl are
// looked for on the PATH, and else those of Kubernetes are built from its Go module (Go and its proxy are needed; some minutes, once) and etcd taken from Debian's package. It runs the lines
// of the guides, which need curl.
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { must, prepare, programNode, ROOT } from './prepare.mjs';

const KUBERNETES = 'v1.34.1';
const CACHE = join(ROOT, '.data', 'cluster');

await prepare();
mkdirSync(CACHE, { recursive: true });
if (onPath('curl') === undefined)
  throw new Error('there is no curl on the PATH, by which the lines of the guides speak to the service');
process.env.KUBE_APISERVER ??= onPath('kube-apiserver') ?? built('kube-apiserver');
if (onPath('kubectl') === undefined) process.env.PATH = [dirname(built('kubectl')), process.env.PATH].join(delimiter);
process.env.ETCD ??= onPath('etcd') ?? unpackedEtcd();
await must(programNode(), ['dist/test/cluster/main.js']);

/** @param {string} program */
function onPath(program) {
  const found = spawnSync('sh', ['-c', 'command -v "$0"', program], { encoding: 'utf8' });
  return found.status === 0 ? found.stdout.trim() : undefined;
}

/**
 * The module says of its staged parts that they lie beside it, which they do not in a module: they are modules of their own, v0.X for v1.X.
 * @param {'kube-apiserver' | 'kubectl'} name
 */
function built(name) {
  const program = join(CACHE, KUBERNETES, name);
  if (existsSync(program)) return program;
  const folder = join(CACHE, 'build');
  mkdirSync(folder, { recursive: true });
  const go = (/** @type {string[]} */ ...args) =>
    execFileSync('go', args, {
      cwd: folder,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { ...process.env, CGO_ENABLED: '0', GOFLAGS: '-mod=mod' },
    });
  writeFileSync(join(folder, 'go.mod'), 'module cluster\n');
  const { GoMod } = JSON.parse(go('mod', 'download', '-json', `k8s.io/kubernetes@${KUBERNETES}`));
  const text = readFileSync(GoMod, 'utf8');
  const staged = [...text.matchAll(/^\s*(?:replace )?(\S+) => \.\/staging\//gm)].map(
    ([, name]) => `replace ${name} => ${name} ${KUBERNETES.replace('v1.', 'v0.')}`,
  );
  const language = /^go .*$/m.exec(text)?.[0] ?? '';
  const required = `require k8s.io/kubernetes ${KUBERNETES}`;
  writeFileSync(join(folder, 'go.mod'), ['module cluster', language, required, ...staged, ''].join('\n'));
  console.log(`Building ${name} ${KUBERNETES} …`);
  go('build', '-trimpath', '-o', program, `k8s.io/kubernetes/cmd/${name}`);
  return program;
}

function unpackedEtcd() {
  const program = join(CACHE, 'etcd', 'usr', 'bin', 'etcd');
  if (existsSync(program)) return program;
  execFileSync('apt-get', ['download', 'etcd-server'], { cwd: CACHE, stdio: 'inherit' });
  const [file = ''] = readdirSync(CACHE).filter((name) => name.startsWith('etcd-server_'));
  execFileSync('dpkg', ['-x', file, 'etcd'], { cwd: CACHE, stdio: 'inherit' });
  return program;
}
