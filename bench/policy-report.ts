import { hex, mix, word } from './words.js';

const NAMESPACES = 40;

const KINDS = ['Deployment', 'Deployment', 'StatefulSet', 'DaemonSet'] as const;

const BASELINE = 'Pod Security Standards (Baseline)';
const RESTRICTED = 'Pod Security Standards (Restricted)';
const PRACTICE = 'Best Practices';

/** Category, policy and rule; where under the pod's template a failure is found, and what it says. Kyverno rates all of them `medium`. */
type Check = readonly [category: string, policy: string, rule: string, path: string, message: string];

/** The rules of Kyverno's policies for the Pod Security Standards, and one practice more. */
const CHECKS: readonly Check[] = [
  [
    BASELINE,
    'disallow-capabilities',
    'adding-capabilities',
    'spec/containers/0/securityContext/capabilities/add/0',
    'Any capabilities added beyond the allowed list (AUDIT_WRITE, CHOWN, DAC_OVERRIDE, FOWNER, FSETID, KILL, MKNOD, NET_BIND_SERVICE, SETFCAP, SETGID, SETPCAP, SETUID, SYS_CHROOT) are disallowed.',
  ],
  [
    BASELINE,
    'disallow-host-namespaces',
    'host-namespaces',
    'spec/hostNetwork',
    'Sharing the host namespaces is disallowed. The fields spec.hostNetwork, spec.hostIPC, and spec.hostPID must be unset or set to `false`.',
  ],
  [
    BASELINE,
    'disallow-host-path',
    'host-path',
    'spec/volumes/0/hostPath',
    'HostPath volumes are forbidden. The field spec.volumes[*].hostPath must be unset.',
  ],
  [
    BASELINE,
    'disallow-host-ports',
    'host-ports-none',
    'spec/containers/0/ports/0/hostPort',
    'Use of host ports is disallowed. The fields spec.containers[*].ports[*].hostPort, spec.initContainers[*].ports[*].hostPort, and spec.ephemeralContainers[*].ports[*].hostPort must either be unset or set to `0`.',
  ],
  [
    BASELINE,
    'disallow-host-process',
    'host-process-containers',
    'spec/securityContext/windowsOptions/hostProcess',
    'HostProcess containers are disallowed. The fields spec.securityContext.windowsOptions.hostProcess and spec.containers[*].securityContext.windowsOptions.hostProcess must either be undefined or set to `false`.',
  ],
  [
    BASELINE,
    'disallow-privileged-containers',
    'privileged-containers',
    'spec/containers/0/securityContext/privileged',
    'Privileged mode is disallowed. The fields spec.containers[*].securityContext.privileged and spec.initContainers[*].securityContext.privileged must be unset or set to `false`.',
  ],
  [
    BASELINE,
    'disallow-proc-mount',
    'check-proc-mount',
    'spec/containers/0/securityContext/procMount',
    'Changing the proc mount from the default is not allowed. The fields spec.containers[*].securityContext.procMount and spec.initContainers[*].securityContext.procMount must be unset or set to `Default`.',
  ],
  [
    BASELINE,
    'disallow-selinux',
    'selinux-type',
    'spec/securityContext/seLinuxOptions/type',
    'Setting the SELinux type is restricted. The fields spec.securityContext.seLinuxOptions.type and spec.containers[*].securityContext.seLinuxOptions.type must either be unset or set to one of the allowed values (container_t, container_init_t, or container_kvm_t).',
  ],
  [
    BASELINE,
    'disallow-selinux',
    'selinux-user-role',
    'spec/securityContext/seLinuxOptions/role',
    'Setting the SELinux user or role is forbidden. The fields seLinuxOptions.user and seLinuxOptions.role of spec.securityContext and of spec.containers[*].securityContext must be unset.',
  ],
  [
    BASELINE,
    'restrict-apparmor-profiles',
    'app-armor',
    'metadata/annotations',
    'Specifying other AppArmor profiles is disallowed. The annotation `container.apparmor.security.beta.kubernetes.io` if defined must not be set to anything other than `runtime/default` or `localhost/*`.',
  ],
  [
    BASELINE,
    'restrict-seccomp',
    'check-seccomp',
    'spec/securityContext/seccompProfile/type',
    'Use of custom Seccomp profiles is disallowed. The field seccompProfile.type of spec.securityContext and of spec.containers[*].securityContext must be unset or set to `RuntimeDefault` or `Localhost`.',
  ],
  [
    BASELINE,
    'restrict-sysctls',
    'check-sysctls',
    'spec/securityContext/sysctls/0/name',
    'Setting additional sysctls above the allowed type is disallowed. The field spec.securityContext.sysctls must be unset or not use any other names than kernel.shm_rmid_forced, net.ipv4.ip_local_port_range, net.ipv4.ip_unprivileged_port_start, net.ipv4.tcp_syncookies and net.ipv4.ping_group_range.',
  ],
  [
    RESTRICTED,
    'disallow-capabilities-strict',
    'require-drop-all',
    'spec/containers/0/securityContext/capabilities/drop',
    'Containers must drop `ALL` capabilities.',
  ],
  [
    RESTRICTED,
    'disallow-capabilities-strict',
    'adding-capabilities-strict',
    'spec/containers/0/securityContext/capabilities/add/0',
    'Any capabilities added other than NET_BIND_SERVICE are disallowed.',
  ],
  [
    RESTRICTED,
    'disallow-privilege-escalation',
    'privilege-escalation',
    'spec/containers/0/securityContext/allowPrivilegeEscalation',
    'Privilege escalation is disallowed. The fields spec.containers[*].securityContext.allowPrivilegeEscalation and spec.initContainers[*].securityContext.allowPrivilegeEscalation must be set to `false`.',
  ],
  [
    RESTRICTED,
    'require-run-as-non-root-user',
    'run-as-non-root-user',
    'spec/securityContext/runAsUser',
    'Running as root is not allowed. The fields spec.securityContext.runAsUser, spec.containers[*].securityContext.runAsUser and spec.initContainers[*].securityContext.runAsUser must be unset or set to a number greater than zero.',
  ],
  [
    RESTRICTED,
    'require-run-as-nonroot',
    'run-as-non-root',
    'spec/securityContext/runAsNonRoot',
    'Running as root is not allowed. Either the field spec.securityContext.runAsNonRoot must be set to `true`, or the fields spec.containers[*].securityContext.runAsNonRoot and spec.initContainers[*].securityContext.runAsNonRoot must be set to `true`.',
  ],
  [
    RESTRICTED,
    'restrict-seccomp-strict',
    'check-seccomp-strict',
    'spec/containers/0/securityContext/seccompProfile',
    'Use of custom Seccomp profiles is disallowed. The fields spec.securityContext.seccompProfile.type and spec.containers[*].securityContext.seccompProfile.type must be set to `RuntimeDefault` or `Localhost`.',
  ],
  [
    RESTRICTED,
    'restrict-volume-types',
    'restricted-volumes',
    'spec/volumes/0',
    'Only the following types of volumes may be used: configMap, csi, downwardAPI, emptyDir, ephemeral, persistentVolumeClaim, projected, and secret.',
  ],
  [
    PRACTICE,
    'require-ro-rootfs',
    'validate-readOnlyRootFilesystem',
    'spec/containers/0/securityContext/readOnlyRootFilesystem',
    'Root filesystem must be read-only.',
  ],
];

/**
 * What `kubectl get policyreport -A -o json` prints of the reports that Kyverno keeps, one of each workload: kubectl's order of keys and indentation, and the
 * fields of Kyverno 1.11 but for `timestamp`. A quarter of the results fail.
 */
export const policyReport = {
  head: '{\n    "apiVersion": "v1",\n    "items": [\n',
  tail: '\n    ],\n    "kind": "List",\n    "metadata": {\n        "resourceVersion": ""\n    }\n}\n',
  perWorkload: CHECKS.length,
  workload: (number: number, findings: number, isChanged: (finding: number) => boolean): string => {
    const results = CHECKS.slice(0, findings).map((own, index) =>
      result(own, mix(number * CHECKS.length + index) % 4 === 0, isChanged(index)),
    );
    const failed = results.filter((each) => each.result === 'fail').length;
    const apiVersion = 'apps/v1';
    const kind = KINDS[number % KINDS.length] ?? 'Deployment';
    const name = `${word(number * 7)}-${word(number * 11 + 3)}-${number}`;
    const namespace = `${word((number % NAMESPACES) * 5)}-${number % NAMESPACES}`;
    const uid = uuid(2 * number);
    const report = {
      apiVersion: 'wgpolicyk8s.io/v1alpha2',
      kind: 'PolicyReport',
      metadata: {
        creationTimestamp: '2026-11-02T07:41:26Z',
        generation: 1 + (number % 30),
        labels: { 'app.kubernetes.io/managed-by': 'kyverno' },
        name: uid,
        namespace,
        ownerReferences: [{ apiVersion, kind, name, uid }],
        resourceVersion: String(41_000_000 + number * 13),
        uid: uuid(2 * number + 1),
      },
      results,
      scope: { apiVersion, kind, name, namespace, uid },
      summary: { error: 0, fail: failed, pass: results.length - failed, skip: 0, warn: 0 },
    };
    return JSON.stringify(report, null, 4).replaceAll(/^/gm, ' '.repeat(8));
  },
} as const;

/** Kyverno's rules for pods reach workloads through rules that it generates, `autogen-…`, and which look under the pod's template. */
function result([category, policy, rule, path, message]: Check, isFailure: boolean, isChanged: boolean) {
  const autogen = `autogen-${rule}`;
  return {
    category,
    message: isFailure
      ? `validation error: ${message} rule ${autogen} failed at path /spec/template/${path}/`
      : `validation rule '${autogen}' passed.`,
    policy,
    result: isFailure ? ('fail' as const) : ('pass' as const),
    rule: autogen,
    scored: true,
    severity: isChanged ? ('critical' as const) : ('medium' as const),
    source: 'kyverno',
  };
}

/** In the form of a random UUID (RFC 9562, version 4). */
function uuid(seed: number): string {
  const digits = hex(seed);
  return `${digits.slice(0, 8)}-${digits.slice(8, 12)}-4${digits.slice(13, 16)}-8${digits.slice(17, 20)}-${digits.slice(20, 32)}`;
}
