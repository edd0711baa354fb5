import { described, Fields, MalformedError } from './objects.js';

/**
 * Flags of a program, read from `command` and `args` of its container, as the components of a control plane take them (github.com/spf13/pflag; etcd: Go's
 * `flag`). `-a` and `--a` are one where a program takes either; a component that does not take it does not start. `_` is `-`, as
 * k8s.io/component-base/cli/flag has it.
 *
 * What is not written out is not guessed: a shell's line and a `$(VARIABLE)` of the environment may set any flag, so they are faults.
 */
const SHELLS = new Set(['sh', 'bash', 'dash', 'ash', 'zsh', 'ksh', 'busybox', 'env', 'xargs']);

/**
 * Flags that take several values: given again they add up (pflag's slices and maps), so that the last alone would hide the others. By the reference of
 * kube-apiserver, kube-controller-manager and kube-scheduler (https://kubernetes.io/docs/reference/command-line-tools-reference/).
 */
const LISTS = new Set([
  'admission-control',
  'allow-metric-labels',
  'api-audiences',
  'authorization-mode',
  'controllers',
  'cors-allowed-origins',
  'disable-admission-plugins',
  'disabled-metrics',
  'emulated-version',
  'enable-admission-plugins',
  'etcd-servers',
  'etcd-servers-overrides',
  'feature-gates',
  'kubelet-preferred-address-types',
  'oidc-required-claim',
  'oidc-signing-algs',
  'requestheader-allowed-names',
  'requestheader-extra-headers-prefix',
  'requestheader-group-headers',
  'requestheader-uid-headers',
  'requestheader-username-headers',
  'runtime-config',
  'service-account-issuer',
  'service-account-key-file',
  'tls-cipher-suites',
  'tls-sni-cert-key',
]);

/**
 * The flag's value: of a list all that it is given, joined by commas as one would write them in one; else the last, which is what counts. Empty for a bare
 * flag (`--a`), null where it is not set. A word after `--a` that begins with `-` is the next flag, as it is for every flag of a control plane that
 * stands alone.
 */
export function flagValue(container: unknown, name: string): string | null {
  const values = flagValues(container, name);
  if (values.length > 1 && LISTS.has(plain(name))) return values.join(',');
  return values.at(-1) ?? null;
}

/** Every value that the flag is given, in order. */
export function flagValues(container: unknown, name: string): string[] {
  const fields = Fields.of(container, 'the container');
  const words = [...fields.texts('command'), ...fields.texts('args')];
  const wanted = plain(name);
  if (wanted === '') throw new MalformedError(`${described(name)} is not a flag's name`);
  refuseGuessing(words);

  const values: string[] = [];
  for (const [index, word] of words.entries()) {
    if (word === '--') break;
    const [, flag, value] = /^--?([^-=][^=]*)(?:=(.*))?$/s.exec(word) ?? [];
    if (flag === undefined || normalized(flag) !== wanted) continue;
    const next = words[index + 1];
    values.push(value ?? (next === undefined || next.startsWith('-') ? '' : next));
  }
  for (const value of values) {
    if (isVariable(value))
      throw new MalformedError(`--${wanted} is ${described(value)}, which the environment decides`);
  }
  return values;
}

const normalized = (flag: string): string => flag.replaceAll('_', '-');
const plain = (name: string): string => normalized(name.replace(/^--?/, ''));

/** `$(NAME)` is replaced by the kubelet, `$$(NAME)` is the text `$(NAME)`. */
const isVariable = (word: string): boolean => /(?:^|[^$])(?:\$\$)*\$\([^)]+\)/.test(word);

function refuseGuessing(words: readonly string[]): void {
  const program = words[0]?.split('/').at(-1) ?? '';
  if (SHELLS.has(program)) {
    throw new MalformedError(`the container runs ${described(program)}: what flags its line sets is not read`);
  }
  for (const word of words) {
    if (/\s--?\w/.test(word))
      throw new MalformedError(`${described(word)} holds several words, which only a shell parts`);
    if (!/^--?[^=$]+=/.test(word) && isVariable(word)) {
      throw new MalformedError(`${described(word)} may be any flag: the environment decides it`);
    }
  }
}
