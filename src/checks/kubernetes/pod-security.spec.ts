import { describe, expect, it } from 'vitest';
import { MalformedError } from './objects.js';
import { CONTROLS } from './pod-security-controls.js';
import { enforcedLevel, podSecurityLevel, podSecurityViolations } from './pod-security.js';

type Part = Record<string, unknown>;

const RESTRICTED: Part = {
  allowPrivilegeEscalation: false,
  runAsNonRoot: true,
  capabilities: { drop: ['ALL'] },
  seccompProfile: { type: 'RuntimeDefault' },
};
const container = (change: Part = {}, context: Part = {}): Part => ({
  name: 'app',
  image: 'app',
  securityContext: { ...RESTRICTED, ...context },
  ...change,
});
const pod = (change: Part = {}): Part => ({ containers: [container()], ...change });
const inContainer = (change: Part): Part => pod({ containers: [container(change)] });
const inContext = (change: Part): Part => pod({ containers: [container({}, change)] });
const ofPod = (securityContext: Part): Part => pod({ securityContext });
const without = (field: string): Part => inContext({ [field]: undefined });
const controls = (spec: Part, metadata?: Part) => podSecurityViolations(spec, metadata).map(({ control }) => control);

describe('the Pod Security Standards', () => {
  it('let a pod be restricted?', () => {
    expect(podSecurityViolations(pod())).toEqual([]);
    expect(podSecurityLevel(pod())).toBe('restricted');
  });

  it('ask of restricted what the pod may set for its containers?', () => {
    const bare = { name: 'app', securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } } };
    const spec = { containers: [bare], securityContext: { runAsNonRoot: true, seccompProfile: { type: 'Localhost' } } };
    expect(controls(spec)).toEqual([]);
    expect(controls({ containers: [bare] })).toEqual(['runAsNonRoot', 'seccompProfile_restricted']);
  });

  /** What breaks exactly these controls. */
  const BROKEN: [string[], Part, Part?][] = [
    [['windowsHostProcess'], ofPod({ windowsOptions: { hostProcess: true } })],
    [['windowsHostProcess'], inContext({ windowsOptions: { hostProcess: true } })],
    [['hostNamespaces'], pod({ hostNetwork: true })],
    [['hostNamespaces'], pod({ hostPID: true })],
    [['hostNamespaces'], pod({ hostIPC: true })],
    [['privileged'], inContext({ privileged: true })],
    [
      ['capabilities_baseline', 'capabilities_restricted'],
      inContext({ capabilities: { drop: ['ALL'], add: ['NET_RAW'] } }),
    ],
    [
      ['capabilities_baseline', 'capabilities_restricted'],
      inContext({ capabilities: { drop: ['ALL'], add: ['chown'] } }),
    ],
    [['capabilities_restricted'], inContext({ capabilities: { drop: ['ALL'], add: ['CHOWN'] } })],
    [['capabilities_restricted'], inContext({ capabilities: { drop: ['NET_RAW'] } })],
    [['capabilities_restricted'], without('capabilities')],
    [[], inContext({ capabilities: { drop: ['ALL'], add: ['NET_BIND_SERVICE'] } })],
    [['hostPathVolumes', 'restrictedVolumes'], pod({ volumes: [{ name: 'v', hostPath: { path: '/' } }] })],
    [
      ['hostPathVolumes', 'restrictedVolumes'],
      pod({ volumes: [{ name: 'v', emptyDir: {}, hostPath: { path: '/' } }] }),
    ],
    [['restrictedVolumes'], pod({ volumes: [{ name: 'v', nfs: { server: 's', path: '/' } }] })],
    [['restrictedVolumes'], pod({ volumes: [{ name: 'v', ofTomorrow: {} }] })],
    [['restrictedVolumes'], pod({ volumes: [{ name: 'v' }] })],
    [
      [],
      pod({
        volumes: [
          'configMap',
          'csi',
          'downwardAPI',
          'emptyDir',
          'ephemeral',
          'image',
          'persistentVolumeClaim',
          'projected',
          'secret',
        ].map((name) => ({ name, [name]: {} })),
      }),
    ],
    [['hostPorts'], inContainer({ ports: [{ containerPort: 80, hostPort: 80 }] })],
    [['hostPorts'], inContainer({ ports: [{ containerPort: 80n, hostPort: 80n }] })],
    [
      [],
      inContainer({
        ports: [
          { containerPort: 80, hostPort: 0 },
          { containerPort: 81n, hostPort: 0n },
        ],
      }),
    ],
    [
      ['hostProbesAndHostLifecycle'],
      inContainer({ livenessProbe: { httpGet: { host: '169.254.169.254', port: 80 } } }),
    ],
    [['hostProbesAndHostLifecycle'], inContainer({ readinessProbe: { tcpSocket: { host: 'h', port: 80 } } })],
    [['hostProbesAndHostLifecycle'], inContainer({ startupProbe: { httpGet: { host: 'h', port: 80 } } })],
    [['hostProbesAndHostLifecycle'], inContainer({ lifecycle: { preStop: { httpGet: { host: 'h', port: 80 } } } })],
    [['hostProbesAndHostLifecycle'], inContainer({ lifecycle: { postStart: { tcpSocket: { host: 'h', port: 80 } } } })],
    [
      [],
      inContainer({
        livenessProbe: { httpGet: { host: '', port: 80 } },
        lifecycle: { preStop: { exec: { command: ['x'] } } },
      }),
    ],
    [['appArmorProfile'], ofPod({ appArmorProfile: { type: 'Unconfined' } })],
    [['appArmorProfile'], inContext({ appArmorProfile: { type: 'Unconfined' } })],
    [['appArmorProfile'], inContext({ appArmorProfile: {} })],
    [
      ['appArmorProfile'],
      pod(),
      { annotations: { 'container.apparmor.security.beta.kubernetes.io/app': 'unconfined' } },
    ],
    [
      [],
      pod(),
      {
        annotations: {
          'container.apparmor.security.beta.kubernetes.io/app': 'runtime/default',
          'container.apparmor.security.beta.kubernetes.io/b': 'localhost/x',
          other: 'unconfined',
        },
      },
    ],
    [['seLinuxOptions'], ofPod({ seLinuxOptions: { type: 'spc_t' } })],
    [['seLinuxOptions'], inContext({ seLinuxOptions: { user: 'root' } })],
    [['seLinuxOptions'], inContext({ seLinuxOptions: { role: 'sysadm_r' } })],
    [[], inContext({ seLinuxOptions: { type: 'container_engine_t', level: 's0' } })],
    [['procMount'], inContext({ procMount: 'Unmasked' })],
    [['procMount'], { ...inContext({ procMount: 'Unmasked' }), hostUsers: false }],
    [[], inContext({ procMount: 'Default' })],
    [['seccompProfile_baseline', 'seccompProfile_restricted'], inContext({ seccompProfile: { type: 'Unconfined' } })],
    [['seccompProfile_baseline', 'seccompProfile_restricted'], ofPod({ seccompProfile: { type: 'Unconfined' } })],
    [['seccompProfile_restricted'], without('seccompProfile')],
    [['sysctls'], ofPod({ sysctls: [{ name: 'kernel.core_pattern', value: '|x' }] })],
    [['sysctls'], ofPod({ sysctls: [{}] })],
    [[], ofPod({ sysctls: [{ name: 'net.ipv4.tcp_rmem', value: '1' }] })],
    [['allowPrivilegeEscalation'], without('allowPrivilegeEscalation')],
    [['allowPrivilegeEscalation'], inContext({ allowPrivilegeEscalation: true })],
    [['runAsNonRoot'], without('runAsNonRoot')],
    [['runAsNonRoot'], inContext({ runAsNonRoot: false })],
    [['runAsNonRoot'], ofPod({ runAsNonRoot: false })],
    [['runAsUser'], inContext({ runAsUser: 0 })],
    [['runAsUser'], ofPod({ runAsUser: 0n })],
    [[], inContext({ runAsUser: 1000 })],
  ];

  it.each(BROKEN)('find %j?', (broken, spec, metadata) => {
    expect(controls(spec, metadata).sort()).toEqual([...broken].sort());
    const level = (name: string) => CONTROLS.find((control) => control.name === name)!.level;
    expect(podSecurityLevel(spec, metadata)).toBe(
      broken.length === 0
        ? 'restricted'
        : broken.some((name) => level(name) === 'baseline')
          ? 'privileged'
          : 'baseline',
    );
  });

  it('are tried with something that breaks each?', () => {
    const tried = new Set(BROKEN.flatMap(([broken]) => broken));
    expect(CONTROLS.filter(({ name }) => !tried.has(name))).toEqual([]);
  });

  it('judge init and ephemeral containers like the others?', () => {
    for (const list of ['initContainers', 'ephemeralContainers']) {
      expect(controls(pod({ [list]: [container({ name: 'other' }, { privileged: true })] }))).toEqual(['privileged']);
      expect(controls(pod({ [list]: [{ name: 'other' }] }))).toEqual([
        'allowPrivilegeEscalation',
        'runAsNonRoot',
        'seccompProfile_restricted',
        'capabilities_restricted',
      ]);
    }
  });

  it('ask of Windows what Windows has?', () => {
    const windows = { os: { name: 'windows' }, containers: [{ name: 'app' }] };
    expect(controls(windows)).toEqual(['runAsNonRoot']);
    expect(controls({ ...windows, securityContext: { runAsNonRoot: true } })).toEqual([]);
    expect(controls({ ...windows, os: { name: 'linux' } })).toContain('allowPrivilegeEscalation');
  });

  it.each([
    ['null', null],
    ['a list', []],
    ['an empty map', {}],
    ['no containers', { containers: [] }],
    ['containers that are no list', { containers: {} }],
    ['a container that is null', { containers: [null] }],
    ['a flag that is a text', pod({ hostNetwork: 'false' })],
    ['a user that is a text', inContext({ runAsUser: '0' })],
    ['a user that is a fraction', inContext({ runAsUser: 0.5 })],
    ['capabilities that are a text', inContext({ capabilities: { drop: 'ALL' } })],
    ['privileged that is a number', inContext({ privileged: 0 })],
    ['a security context that is a list', inContainer({ securityContext: [] })],
    ['volumes that are a map', pod({ volumes: {} })],
    ['a profile that is a text', inContext({ seccompProfile: 'RuntimeDefault' })],
  ])('judge no pod that is %s?', (_, spec) => {
    expect(() => podSecurityLevel(spec)).toThrow(MalformedError);
  });

  it('judge no pod whose annotations are unreadable?', () => {
    expect(() => podSecurityLevel(pod(), { annotations: ['x'] })).toThrow(MalformedError);
    expect(() => podSecurityLevel(pod(), 'x')).toThrow(MalformedError);
  });

  it('are enforced as the label of the namespace says?', () => {
    const namespace = (labels?: unknown) => ({ kind: 'Namespace', metadata: { name: 'a', labels } });
    expect(enforcedLevel(namespace({ 'pod-security.kubernetes.io/enforce': 'restricted' }))).toBe('restricted');
    expect(enforcedLevel(namespace({ 'pod-security.kubernetes.io/warn': 'restricted' }))).toBe('');
    expect(enforcedLevel(namespace())).toBe('');
    expect(() => enforcedLevel(namespace({ 'pod-security.kubernetes.io/enforce': 'Restricted' }))).toThrow(
      'not a level',
    );
    expect(() => enforcedLevel(namespace({ 'pod-security.kubernetes.io/enforce': true }))).toThrow(MalformedError);
    expect(() => enforcedLevel(null)).toThrow(MalformedError);
    expect(() => enforcedLevel({})).toThrow('metadata is missing');
  });
});
