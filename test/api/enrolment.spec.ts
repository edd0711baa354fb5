import { spawn, spawnSync } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { newId } from '../../src/kernel/ids.js';
import { safeguard } from '../cli/support.js';
import { startApp, startClinic, type Caller, type Clinic, type World } from '../support/app.js';
import { Cluster } from '../support/cluster.js';

const PUBLIC_URL = 'https://safeguard.example.org';
const IMAGE = `registry.example.org/team/safeguard@sha256:${'a1'.repeat(32)}`;
const SUBJECT = 'system:serviceaccount:safeguard-agent:safeguard-agent';

let world: World;
let clinic: Clinic;
let viewer: Caller;
beforeAll(async () => {
  world = await startApp({ environment: { PUBLIC_URL, AGENT_IMAGE: IMAGE } });
  clinic = await startClinic(world);
  viewer = await clinic.member('viewer');
});
afterAll(() => world.stop());

interface Enrolment {
  audience: string;
  subject: string;
  image: string | null;
  commands: { step: string; done: boolean | null; command: string }[];
  manifest: string;
  notes: string[];
}

async function newSystem(name = `system ${newId()}`) {
  const { id, path } = await clinic.system({ name, phiNamespaces: ['emr'] });
  return {
    id,
    path,
    enrolment: async (query = '') =>
      (await clinic.admin.get(`${path}/enrolment?${query}`).expect(200)).body as Enrolment,
    manifest: async (query = '') =>
      (await clinic.admin.get(`${path}/agent-manifest?${query}`).buffer(true).expect(200)).text,
    agents: async () =>
      (await clinic.admin.get(`${clinic.path}/agents?systemId=${id}`).expect(200)).body.items as Agent[],
  };
}

interface Agent {
  id: string;
  issuer: string;
  jwks: { keys: unknown[] } | null;
  audience: string;
  subjectPattern: string;
  signingKeys: string[];
}

interface Template {
  template: {
    spec: {
      serviceAccountName: string;
      containers: { image: string }[];
      volumes: { projected?: { sources: { serviceAccountToken?: object }[] } }[];
    };
  };
}
interface Manifested {
  kind: string;
  metadata: { name: string; namespace?: string };
  data?: Record<string, string>;
  rules?: { resources?: string[] }[];
  spec?: Template & { jobTemplate?: { spec: Template } };
}
const objectsOf = (text: string) => parseAllDocuments(text).map((document) => document.toJS() as Manifested);
const dataOf = (objects: readonly Manifested[]) => objects.find(({ kind }) => kind === 'ConfigMap')?.data;
const podOf = (objects: readonly Manifested[], kind: string) => {
  const spec = objects.find((object) => object.kind === kind)?.spec;
  return (spec?.jobTemplate?.spec ?? spec)!.template.spec;
};

/** A cluster with the issuer that kubeadm gives, and a `kubectl` that answers as its API server does and keeps what it is to apply. */
async function newCluster(issuer = 'https://kubernetes.default.svc.cluster.local') {
  const directory = await mkdtemp(join(tmpdir(), 'safeguard-enrolment-'));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  const cluster = new Cluster();
  const bin = join(directory, 'bin');
  await mkdir(bin);
  const rotate = async (kid: string) => {
    await cluster.rotate(kid);
    cluster.issuer = issuer;
    // Compact, as API servers write it.
    const discovery = {
      issuer,
      jwks_uri: 'https://10.0.0.10:6443/openid/v1/jwks',
      response_types_supported: ['id_token'],
    };
    await writeFile(join(directory, 'discovery'), JSON.stringify(discovery));
    await writeFile(join(directory, 'jwks'), JSON.stringify({ keys: [cluster.jwk] }));
  };
  await rotate('first');
  const kubectl = join(bin, 'kubectl');
  await writeFile(
    kubectl,
    `#!/bin/sh
cd ${directory}
echo "$*" >> calls
case "$*" in
  *'get --raw /.well-known/openid-configuration') cat discovery ;;
  *'get --raw /openid/v1/jwks') cat jwks ;;
  *'config current-context') echo emr ;;
  'delete --namespace safeguard-agent --ignore-not-found '*) ;;
  *'apply -f -') cat > applied && test -s applied && echo applied ;;
  *) echo "error: unknown command: $*" >&2; exit 1 ;;
esac
`,
  );
  await chmod(kubectl, 0o755);
  const path = `${bin}:${process.env['PATH'] ?? ''}`;
  return {
    cluster,
    rotate,
    path,
    directory,
    calls: () => readFile(join(directory, 'calls'), 'utf8'),
    applied: () => readFile(join(directory, 'applied'), 'utf8').catch(() => null),
    /** One line of a shell, by a person whose address of the service is the test's. */
    shell: async (command: string) => {
      const line = command.replaceAll(PUBLIC_URL + '/', `${world.url}/`);
      const child = spawn('sh', ['-c', line], { env: { PATH: path, TOKEN: clinic.admin.token ?? '' } });
      let output = '';
      for (const stream of [child.stdout, child.stderr])
        stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
      const [code] = (await once(child, 'close')) as [number];
      return { code, output };
    },
    enrol: (args: string[], env: Record<string, string> = {}) =>
      safeguard(['enrol', '--server', world.url, '--organization', clinic.organizationId, ...args], {
        PATH: path,
        SAFEGUARD_TOKEN: clinic.admin.token ?? '',
        ...env,
      }),
  };
}

/** The token that the kubelet would project into the agent's pod. */
const projected = (cluster: Cluster) => cluster.token(SUBJECT, { aud: [PUBLIC_URL] });

async function mayAct(cluster: Cluster, systemPath: string): Promise<number> {
  const answer = await fetch(`${world.url}${systemPath}`, {
    headers: { Authorization: `Bearer ${await projected(cluster)}` },
  });
  return answer.status;
}

const hasCurl = spawnSync('curl', ['--version']).status === 0;

describe('the three commands', () => {
  it.skipIf(!hasCurl)('do they, run by a shell, bring the cluster under evidence? (needs curl)', async () => {
    const { cluster, shell, applied } = await newCluster();
    // What a shell, printf, JSON and YAML each take for something else.
    const named = `O'Neil's "EMR" %s \\n $(false) \`x\` #1: ${newId()}`;
    const { path, enrolment, manifest, agents } = await newSystem(named);
    const { commands } = await enrolment();
    expect(commands.map(({ step, done }) => [step, done])).toEqual([
      ['create-system', true],
      ['trust-issuer', false],
      ['apply', null],
    ]);
    for (const { command } of commands) expect(command).not.toContain('\n');
    const [create, trust, apply] = commands.map(({ command }) => command);
    // It is there, so that it is refused: by its name, which came through all the quotes.
    expect((await shell(create!)).output).toContain('409');
    expect(await mayAct(cluster, path)).toBe(401);
    expect(await shell(trust!)).toMatchObject({ code: 0 });
    expect(await agents()).toMatchObject([
      { issuer: cluster.issuer, audience: PUBLIC_URL, subjectPattern: SUBJECT, jwks: { keys: [{ kid: 'first' }] } },
    ]);
    expect(await mayAct(cluster, path)).toBe(200);
    expect(await shell(apply!)).toMatchObject({ code: 0 });
    expect(await applied()).toBe(await manifest());
    expect(dataOf(objectsOf((await applied())!))).toMatchObject({ SAFEGUARD_CLUSTER_NAME: named });
    expect((await enrolment()).commands.map(({ done }) => done)).toEqual([true, true, null]);
    // Once more it is refused, and named: whoever revokes it has revoked all that was trusted.
    const again = await shell(trust!.replace('-fsS', '-sS'));
    expect(again.output).toContain(`"agentId":"${(await agents())[0]!.id}"`);
    expect(await agents()).toHaveLength(1);
  });

  it.skipIf(!hasCurl)('is an issuer in the public Internet trusted without its keys? (needs curl)', async () => {
    const { cluster, shell } = await newCluster('https://oidc.example.net/id/1');
    const { enrolment, agents } = await newSystem();
    expect(await shell((await enrolment('keys=discovered')).commands[1]!.command)).toMatchObject({ code: 0 });
    expect(await agents()).toMatchObject([{ issuer: cluster.issuer, jwks: null }]);
  });
});

describe('the manifest', () => {
  it('is it of this system, this service and this image?', async () => {
    const { id, enrolment, manifest } = await newSystem('emr');
    const { manifest: text, audience, subject, image } = await enrolment();
    expect(text).toBe(await manifest());
    expect([audience, subject, image]).toEqual([PUBLIC_URL, SUBJECT, IMAGE]);
    const objects = objectsOf(text);
    expect(dataOf(objects)).toEqual({
      SAFEGUARD_SERVER: PUBLIC_URL,
      SAFEGUARD_ORGANIZATION: clinic.organizationId,
      SAFEGUARD_SYSTEM: id,
      SAFEGUARD_CLUSTER_NAME: 'emr',
      SAFEGUARD_EXCLUDE: 'secrets',
    });
    const { containers, volumes, serviceAccountName } = podOf(objects, 'CronJob');
    expect(containers.map((container) => container.image)).toEqual([IMAGE]);
    const audiences = volumes.flatMap(({ projected }) =>
      (projected?.sources ?? []).flatMap(({ serviceAccountToken }) => serviceAccountToken ?? []),
    );
    expect(audiences).toEqual([
      { path: 'token', expirationSeconds: 3600 },
      { path: 'token', expirationSeconds: 3600, audience: PUBLIC_URL },
    ]);
    // The account that the trust means is the account that the pod has.
    const { namespace } = objects.find(({ kind }) => kind === 'CronJob')!.metadata;
    expect(SUBJECT).toBe(`system:serviceaccount:${namespace}:${serviceAccountName}`);
    expect(text).not.toMatch(/example\.org\/safeguard@sha256:0|00000000-0000/);
    expect(text).toContain('# The uid of kube-system is the identity of the cluster.');
    expect(await manifest('secrets=metadata')).toContain('# READ THIS.');
  });

  it.each([
    'on',
    'y',
    'No',
    '1_000',
    '0b11',
    '012',
    '1:30',
    '2026-11-26',
    '~',
    'a: b # c',
    'it\'s "${HOME}"',
    '{{x}}',
    '- x',
    '&a *b',
  ])('is the name %j text for kubectl, which reads YAML 1.1?', async (name) => {
    const { manifest } = await newSystem(name);
    const [map] = parseAllDocuments(await manifest(), { version: '1.1' })
      .map((document) => document.toJS() as { kind: string; data: object })
      .filter(({ kind }) => kind === 'ConfigMap');
    expect(map?.data).toMatchObject({ SAFEGUARD_CLUSTER_NAME: name });
  });

  it('is it a Deployment, with Secrets and Gatekeeper, of another image, when that is asked for?', async () => {
    const { manifest, enrolment } = await newSystem();
    const image = `ghcr.io/other@sha256:${'b2'.repeat(32)}`;
    const query = `mode=deployment&secrets=metadata&gatekeeper=true&image=${encodeURIComponent(image)}`;
    const objects = objectsOf(await manifest(query));
    const kinds = objects.map(({ kind }) => kind);
    expect(kinds).toContain('Deployment');
    expect(kinds).not.toContain('CronJob');
    expect(podOf(objects, 'Deployment').containers.map((container) => container.image)).toEqual([image]);
    expect(dataOf(objects)).not.toHaveProperty('SAFEGUARD_EXCLUDE');
    const resources = objects.flatMap(({ rules = [] }) => rules.flatMap((rule) => rule.resources ?? []));
    expect(resources).toEqual(expect.arrayContaining(['pods', 'secrets', '*']));
    const without = objectsOf(await manifest()).flatMap(({ rules = [] }) =>
      rules.flatMap((rule) => rule.resources ?? []),
    );
    expect(without).toContain('pods');
    expect(without.filter((one) => ['secrets', '*'].includes(one))).toEqual([]);
    const { commands, notes } = await enrolment(query);
    expect(new URL(/https:[^']+/.exec(commands[2]!.command)![0]).searchParams.get('image')).toBe(image);
    expect(notes).toEqual([expect.stringContaining('its token opens their values'), expect.stringContaining('pinned')]);
    expect((await enrolment()).notes.join(' ')).toContain('Secrets are not listed');
    expect((await enrolment('image=safeguard:latest')).notes.join(' ')).toContain('digest');
  });

  it('may only those see it who see agents, of a system that is there and in use?', async () => {
    const { path } = await newSystem();
    for (const resource of ['enrolment', 'agent-manifest']) {
      await viewer.get(`${path}/${resource}`).expect(403);
      await clinic.admin.get(`${clinic.path}/systems/${newId()}/${resource}`).expect(404);
      for (const query of ['mode=daemon', 'secrets=all', 'image=a%20b', 'image=$(reboot)', `image=x%0Ay`, 'other=1']) {
        await clinic.admin.get(`${path}/${resource}?${query}`).expect(400);
      }
    }
    await clinic.admin.post(`${path}/retire`).expect(200);
    for (const resource of ['enrolment', 'agent-manifest']) await clinic.admin.get(`${path}/${resource}`).expect(409);
  });
});

describe('safeguard enrol', () => {
  it('does it do all three, and nothing twice?', async () => {
    const { cluster, applied, enrol } = await newCluster();
    const name = `cluster ${newId()}`;
    const args = ['--system', name, '--keys', 'pinned', '--phi-namespaces', 'emr,lab', '--environment', 'staging'];
    const first = await enrol(args);
    expect([first.code, first.stdout]).toEqual([0, 'applied\n']);
    expect(first.stderr).toContain('cluster emr, issuer https://kubernetes.default.svc.cluster.local');
    const { body } = await clinic.admin.get(`${clinic.path}/systems?name=${encodeURIComponent(name)}`).expect(200);
    expect(body.items).toMatchObject([{ environment: 'staging', phi: 'stores', phiNamespaces: ['emr', 'lab'] }]);
    const path = `${clinic.path}/systems/${body.items[0].id}`;
    expect(await mayAct(cluster, path)).toBe(200);
    expect(dataOf(objectsOf((await applied())!))).toMatchObject({ SAFEGUARD_SYSTEM: body.items[0].id });
    const again = await enrol(args);
    expect([again.code, again.stderr]).toEqual([0, expect.stringContaining('its agent is trusted: ')]);
    const agents = async () =>
      (await clinic.admin.get(`${clinic.path}/agents?systemId=${body.items[0].id}`).expect(200)).body.items as Agent[];
    expect(await agents()).toHaveLength(1);
    // Revoked by somebody meanwhile: trusted anew, and not told of the old trust.
    await clinic.admin.delete(`${clinic.path}/agents/${(await agents())[0]!.id}`).expect(204);
    expect(await mayAct(cluster, path)).toBe(401);
    expect((await enrol(args)).code).toBe(0);
    expect(await mayAct(cluster, path)).toBe(200);
  });

  it('does it pin the keys of a cluster that calls its issuer as every cluster does, without being told to?', async () => {
    const { cluster, enrol } = await newCluster();
    const { id, path, agents } = await newSystem();
    const run = await enrol(['--system', id]);
    expect([run.code, run.stderr]).toEqual([0, expect.stringContaining('by the keys that it has today')]);
    expect(run.stderr).toContain('The keys are pinned');
    expect(await agents()).toMatchObject([{ jwks: { keys: [{ kid: 'first' }] } }]);
    expect(await mayAct(cluster, path)).toBe(200);
  });

  it('is a cluster with another key trusted by that one too?', async () => {
    const { cluster, rotate, enrol } = await newCluster();
    const { id, path, agents } = await newSystem();
    expect((await enrol(['--system', id, '--keys', 'pinned'])).code).toBe(0);
    await rotate('first');
    expect(await mayAct(cluster, path)).toBe(401);
    expect((await enrol(['--system', id, '--keys', 'pinned'])).code).toBe(0);
    expect(await mayAct(cluster, path)).toBe(200);
    expect(await agents()).toHaveLength(2);
  });

  it('does a cluster keep the keys by which its agent signs when its own change?', async () => {
    const { rotate, enrol, directory } = await newCluster();
    const { id, agents } = await newSystem();
    const keyFile = async (name: string): Promise<string> => {
      const { publicKey } = generateKeyPairSync('ed25519');
      await writeFile(join(directory, name), publicKey.export({ type: 'spki', format: 'pem' }));
      return join(directory, name);
    };
    const [one, two] = [await keyFile('one.pub'), await keyFile('two.pub')];
    const args = ['--system', id, '--keys', 'pinned'];
    expect((await enrol(args)).code).toBe(0);
    const signs = await enrol([...args, '--signing-key', one]);
    const [unsigned] = await agents();
    expect(signs.stderr).toContain(`it is trusted by ${unsigned!.id}, too`);
    // Twice the same, and without: nothing new.
    for (const more of [['--signing-key', one], []]) expect((await enrol([...args, ...more])).code).toBe(0);
    expect((await agents()).map(({ signingKeys }) => signingKeys.length)).toEqual([0, 1]);
    await clinic.admin.delete(`${clinic.path}/agents/${unsigned!.id}`).expect(204);
    await rotate('second');
    expect((await enrol(args)).code).toBe(0);
    expect((await enrol([...args, '--signing-key', two])).code).toBe(0);
    expect((await agents()).map(({ signingKeys }) => signingKeys.length)).toEqual([1, 1, 2]);
    const bad = await enrol([...args, '--signing-key', join(directory, 'discovery')]);
    expect([bad.code, bad.stderr]).toEqual([2, expect.stringContaining('is no public key in PEM')]);
  });

  it('does it trust an issuer in the public Internet by the keys that it serves?', async () => {
    const { enrol } = await newCluster('https://oidc.example.net/id/2');
    const { id, agents } = await newSystem();
    const run = await enrol(['--system', id]);
    expect([run.code, run.stderr]).toEqual([0, expect.stringContaining('by the keys that its issuer serves')]);
    expect(run.stderr).not.toContain('pinned');
    expect(await agents()).toMatchObject([{ jwks: null }]);
  });

  it('does it trust by the keys that are asked for, also where it is trusted by others?', async () => {
    const { enrol } = await newCluster('https://oidc.example.net/id/3');
    const { id, agents } = await newSystem();
    for (const keys of ['pinned', 'discovered', 'discovered', 'pinned', 'auto']) {
      expect((await enrol(['--system', id, '--keys', keys])).code).toBe(0);
    }
    expect((await agents()).map(({ jwks }) => jwks === null).sort()).toEqual([false, true]);
  });

  it('does the other form of the agent go, which would run beside it?', async () => {
    const { enrol, calls } = await newCluster();
    const { id } = await newSystem();
    for (const mode of ['cronjob', 'deployment']) expect((await enrol(['--system', id, '--mode', mode])).code).toBe(0);
    expect((await calls()).split('\n').filter((call) => /^(delete|apply)/.test(call))).toEqual([
      'delete --namespace safeguard-agent --ignore-not-found deployment/safeguard-agent networkpolicy/from-prometheus',
      'apply -f -',
      'delete --namespace safeguard-agent --ignore-not-found cronjob/safeguard-agent',
      'apply -f -',
    ]);
  });

  it('does it say that the PHI namespaces of a system that is there stay as they are?', async () => {
    const { enrol } = await newCluster();
    const name = `cluster ${newId()}`;
    await newSystem(name);
    const other = await enrol(['--system', name, '--phi-namespaces', 'lab,emr']);
    expect(other.stderr).toContain('its PHI namespaces stay as they are (emr)');
    expect((await enrol(['--system', name, '--phi-namespaces', 'emr'])).stderr).not.toContain('stay as they are');
  });

  it('does it print the command that creates a system which is not there, and does that command work?', async () => {
    const { enrol, shell } = await newCluster();
    const name = `it's ${newId()}`;
    const printed = await enrol(['--system', name, '--print', '--phi-namespaces', 'emr', '--phi', 'processes']);
    expect(printed).toMatchObject({ code: 0, stderr: expect.stringContaining('print again for the other two') });
    const made = await shell(printed.stdout);
    expect([made.code, JSON.parse(made.output)]).toEqual([
      0,
      expect.objectContaining({ name, phi: 'processes', phiNamespaces: ['emr'], environment: 'production' }),
    ]);
    expect((await enrol(['--system', name, '--print'])).stdout.split('\n')).toHaveLength(4);
  });

  it('does it change nothing when it is to print, and print the commands that the server has?', async () => {
    const { applied, enrol } = await newCluster();
    const { id, enrolment, agents } = await newSystem();
    const printed = await enrol(['--system', id, '--print']);
    const { commands, manifest } = await enrolment();
    expect(printed.stdout).toBe(
      commands.map(({ command }, index) => (index === 0 ? '# done: ' : '') + command + '\n').join(''),
    );
    expect((await enrol(['--system', id, '--manifest'])).stdout).toBe(manifest);
    expect(JSON.parse((await enrol(['--system', id, '--print', '--json'])).stdout)).toMatchObject({ manifest });
    expect((await enrol(['--system', 'none such', '--manifest'])).code).toBe(1);
    expect([await applied(), await agents()]).toEqual([null, []]);
  });

  it('does it say what is missing before it changes anything?', async () => {
    const { enrol } = await newCluster();
    expect(await enrol([])).toMatchObject({ code: 2 });
    const name = `never ${newId()}`;
    const without = await enrol(['--system', name], { PATH: '/nonexistent' });
    expect(without).toMatchObject({ code: 2, stderr: expect.stringContaining('no kubectl') });
    const { body } = await clinic.admin.get(`${clinic.path}/systems?name=${encodeURIComponent(name)}`).expect(200);
    expect(body.items).toEqual([]);
    const asViewer = await enrol(['--system', name], { SAFEGUARD_TOKEN: viewer.token ?? '' });
    expect(asViewer).toMatchObject({ code: 1, stderr: expect.stringContaining('403') });
  });
});
