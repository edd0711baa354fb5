import type { Fields } from './objects.js';
import type { Labels } from './selectors.js';

/** A pod under judgement. */
export interface PodParts {
  readonly pod: Fields;
  /** All of them: init and ephemeral containers run like the others. */
  readonly containers: readonly Fields[];
  readonly annotations: Labels;
}

/** One control of the Pod Security Standards: what it finds against a pod, in words; nothing if the pod meets it. */
export interface Control {
  readonly name: string;
  readonly level: 'baseline' | 'restricted';
  readonly find: (parts: PodParts) => string[];
}

// The default set of Docker but for NET_RAW, with which a container forges packets (ARP, DNS).
const BASELINE_CAPABILITIES = new Set([
  'AUDIT_WRITE',
  'CHOWN',
  'DAC_OVERRIDE',
  'FOWNER',
  'FSETID',
  'KILL',
  'MKNOD',
  'NET_BIND_SERVICE',
  'SETFCAP',
  'SETGID',
  'SETPCAP',
  'SETUID',
  'SYS_CHROOT',
]);
// Namespaced, and isolated from other pods of the node. (check_sysctls.go, 1.32)
const SAFE_SYSCTLS = new Set([
  'kernel.shm_rmid_forced',
  'net.ipv4.ip_local_port_range',
  'net.ipv4.ip_local_reserved_ports',
  'net.ipv4.ip_unprivileged_port_start',
  'net.ipv4.ping_group_range',
  'net.ipv4.tcp_fin_timeout',
  'net.ipv4.tcp_keepalive_intvl',
  'net.ipv4.tcp_keepalive_probes',
  'net.ipv4.tcp_keepalive_time',
  'net.ipv4.tcp_rmem',
  'net.ipv4.tcp_syncookies',
  'net.ipv4.tcp_wmem',
]);
// check_seLinuxOptions.go, 1.31
const SELINUX_TYPES = new Set(['', 'container_t', 'container_init_t', 'container_kvm_t', 'container_engine_t']);
const PROFILE_TYPES = new Set(['RuntimeDefault', 'Localhost']);
const VOLUME_SOURCES = new Set([
  'configMap',
  'csi',
  'downwardAPI',
  'emptyDir',
  'ephemeral',
  'image',
  'persistentVolumeClaim',
  'projected',
  'secret',
]);
const APPARMOR_ANNOTATION = 'container.apparmor.security.beta.kubernetes.io/';

/** Names an author can find; a container without one is malformed, and is named by where it stands. */
const called = (container: Fields): string => `container ${container.text('name') ?? container.path}`;

/** The security context of the pod and of each of its containers, as far as they have one. */
function* contexts({ pod, containers }: PodParts): Generator<[who: string, context: Fields]> {
  const own = pod.map('securityContext');
  if (own !== undefined) yield ['the pod', own];
  for (const container of containers) {
    const context = container.map('securityContext');
    if (context !== undefined) yield [called(container), context];
  }
}

/** What a look at each security context finds. */
const inContexts =
  (look: (context: Fields) => string[]) =>
  (parts: PodParts): string[] =>
    [...contexts(parts)].flatMap(([who, context]) => look(context).map((what) => `${who} sets ${what}`));

/** What a look at each container finds. */
const inContainers =
  (look: (container: Fields) => string[]) =>
  ({ containers }: PodParts): string[] =>
    containers.flatMap((container) => look(container).map((what) => `${called(container)} ${what}`));

/** Kubernetes has no Linux security context on Windows, and its API refuses one there. */
const unlessWindows =
  (find: Control['find']): Control['find'] =>
  (parts) =>
    parts.pod.map('os')?.text('name') === 'windows' ? [] : find(parts);

/** A value that the pod may set for all its containers: nobody sets it wrong, and each container has it from itself or from the pod. */
function required(read: (context: Fields) => boolean | undefined, what: string): Control['find'] {
  return ({ pod, containers }) => {
    const context = pod.map('securityContext');
    const ofPod = context === undefined ? undefined : read(context);
    const faults = ofPod === false ? [`the pod does not set ${what}`] : [];
    for (const container of containers) {
      const own = container.map('securityContext');
      const set = (own === undefined ? undefined : read(own)) ?? ofPod;
      if (set !== true) faults.push(`${called(container)} does not set ${what}`);
    }
    return faults;
  };
}

function handlerHosts(handler: Fields | undefined): string[] {
  return ['httpGet', 'tcpSocket'].flatMap((action) => {
    const host = handler?.map(action)?.text('host') ?? '';
    return host === '' ? [] : [host];
  });
}

const capabilities = (container: Fields, list: 'add' | 'drop'): string[] =>
  container.map('securityContext')?.map('capabilities')?.texts(list) ?? [];

const wrongProfile = (context: Fields, field: string): string[] => {
  const profile = context.map(field);
  const type = profile?.text('type') ?? '';
  return profile === undefined || PROFILE_TYPES.has(type) ? [] : [`${field} ${type === '' ? 'without type' : type}`];
};

/** In the order of the documentation. */
export const CONTROLS: readonly Control[] = [
  {
    name: 'windowsHostProcess',
    level: 'baseline',
    find: inContexts((context) =>
      context.map('windowsOptions')?.bool('hostProcess') === true ? ['windowsOptions.hostProcess'] : [],
    ),
  },
  {
    name: 'hostNamespaces',
    level: 'baseline',
    find: ({ pod }) =>
      ['hostNetwork', 'hostPID', 'hostIPC']
        .filter((field) => pod.bool(field) === true)
        .map((field) => `the pod sets ${field}`),
  },
  {
    name: 'privileged',
    level: 'baseline',
    find: inContainers((container) =>
      container.map('securityContext')?.bool('privileged') === true ? ['is privileged'] : [],
    ),
  },
  {
    name: 'capabilities_baseline',
    level: 'baseline',
    find: inContainers((container) =>
      capabilities(container, 'add')
        .filter((capability) => !BASELINE_CAPABILITIES.has(capability))
        .map((capability) => `adds the capability ${capability}`),
    ),
  },
  {
    name: 'hostPathVolumes',
    level: 'baseline',
    find: ({ pod }) =>
      pod
        .maps('volumes')
        .filter((volume) => volume.has('hostPath'))
        .map((volume) => `volume ${volume.text('name') ?? ''} is a path of the host`),
  },
  {
    name: 'hostPorts',
    level: 'baseline',
    find: inContainers((container) =>
      container.maps('ports').flatMap((port) => {
        const hostPort = port.integer('hostPort') ?? 0n;
        return hostPort === 0n ? [] : [`listens on port ${hostPort} of the host`];
      }),
    ),
  },
  {
    name: 'hostProbesAndHostLifecycle',
    level: 'baseline',
    find: inContainers((container) => {
      const lifecycle = container.map('lifecycle');
      const handlers = [
        ...['livenessProbe', 'readinessProbe', 'startupProbe'].map((probe) => container.map(probe)),
        ...['postStart', 'preStop'].map((hook) => lifecycle?.map(hook)),
      ];
      return handlers.flatMap(handlerHosts).map((host) => `has the kubelet call the host ${host}`);
    }),
  },
  {
    name: 'appArmorProfile',
    level: 'baseline',
    find: (parts) => [
      ...inContexts((context) => wrongProfile(context, 'appArmorProfile'))(parts),
      ...Object.entries(parts.annotations)
        .filter(
          ([key, profile]) =>
            key.startsWith(APPARMOR_ANNOTATION) && !/^(?:|runtime\/default|localhost\/.*)$/s.test(profile),
        )
        .map(([key, profile]) => `the annotation ${key} is ${profile}`),
    ],
  },
  {
    name: 'seLinuxOptions',
    level: 'baseline',
    find: inContexts((context) => {
      const options = context.map('seLinuxOptions');
      if (options === undefined) return [];
      const type = options.text('type') ?? '';
      return [
        ...(SELINUX_TYPES.has(type) ? [] : [`the SELinux type ${type}`]),
        ...['user', 'role'].filter((field) => (options.text(field) ?? '') !== '').map((field) => `an SELinux ${field}`),
      ];
    }),
  },
  {
    // The relaxation for pods with a user namespace of their own (hostUsers: false) is behind a feature gate, which no object shows.
    name: 'procMount',
    level: 'baseline',
    find: inContainers((container) => {
      const type = container.map('securityContext')?.text('procMount') ?? 'Default';
      return type === 'Default' ? [] : [`sets procMount ${type}`];
    }),
  },
  {
    name: 'seccompProfile_baseline',
    level: 'baseline',
    find: inContexts((context) => wrongProfile(context, 'seccompProfile')),
  },
  {
    name: 'sysctls',
    level: 'baseline',
    find: ({ pod }) =>
      (pod.map('securityContext')?.maps('sysctls') ?? [])
        .map((sysctl) => sysctl.text('name') ?? '')
        .filter((name) => !SAFE_SYSCTLS.has(name))
        .map((name) => `the pod sets the sysctl ${name}`),
  },
  {
    name: 'restrictedVolumes',
    level: 'restricted',
    find: ({ pod }) =>
      pod.maps('volumes').flatMap((volume) => {
        const sources = volume.names().filter((field) => field !== 'name');
        const wrong = sources.filter((source) => !VOLUME_SOURCES.has(source));
        const found = sources.length === 0 ? ['of no known type'] : wrong;
        return found.map((source) => `volume ${volume.text('name') ?? ''} is ${source}`);
      }),
  },
  {
    name: 'allowPrivilegeEscalation',
    level: 'restricted',
    find: unlessWindows(
      inContainers((container) =>
        container.map('securityContext')?.bool('allowPrivilegeEscalation') === false
          ? []
          : ['does not set allowPrivilegeEscalation to false'],
      ),
    ),
  },
  {
    name: 'runAsNonRoot',
    level: 'restricted',
    find: required((context) => context.bool('runAsNonRoot'), 'runAsNonRoot'),
  },
  {
    name: 'runAsUser',
    level: 'restricted',
    find: inContexts((context) => (context.integer('runAsUser') === 0n ? ['runAsUser 0'] : [])),
  },
  {
    name: 'seccompProfile_restricted',
    level: 'restricted',
    find: unlessWindows(
      required((context) => {
        const profile = context.map('seccompProfile');
        return profile === undefined ? undefined : PROFILE_TYPES.has(profile.text('type') ?? '');
      }, 'seccompProfile RuntimeDefault or Localhost'),
    ),
  },
  {
    name: 'capabilities_restricted',
    level: 'restricted',
    find: unlessWindows(
      inContainers((container) => [
        ...(capabilities(container, 'drop').includes('ALL') ? [] : ['does not drop ALL capabilities']),
        ...capabilities(container, 'add')
          .filter((capability) => capability !== 'NET_BIND_SERVICE')
          .map((capability) => `adds the capability ${capability}`),
      ]),
    ),
  },
];
