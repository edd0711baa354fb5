import type { Dropped } from '../../evidence/redaction.js';

/** What is dropped. The names are kept with the evidence and in the audit log. */
export const RULES = {
  /** A value of `data` or `stringData` of a Secret, or of what looks like one and does not say what it is; an annotation that repeats it. */
  secret: 'secret',
  /** A value of `data` or `binaryData` of a ConfigMap; an annotation that repeats it. */
  configMap: 'config-map',
  /** A key of an EncryptionConfiguration. */
  encryptionKey: 'encryption-key',
  /** A value of an environment variable or of a header of a probe; the command of a layer of an image, which repeats those of its build. */
  environment: 'environment',
  /** The text in which a scanner found a secret, and the lines around it. */
  secretFinding: 'secret-finding',
  /** The body of an audited request about a Secret, ConfigMap or token, where it does not say what it is: a patch. */
  auditBody: 'audit-body',
  /** A text that quotes any of these and is no JSON by itself. */
  embedded: 'embedded-text',
} as const;

export type Rule = keyof typeof RULES;

const WORDS: Readonly<Record<(typeof RULES)[Rule], readonly [one: string, many: string]>> = {
  secret: ['value of a Secret', 'values of Secrets'],
  'config-map': ['value of a ConfigMap', 'values of ConfigMaps'],
  'encryption-key': ['encryption key', 'encryption keys'],
  environment: ['value of an environment', 'values of environments'],
  'secret-finding': ['text of a secret finding', 'texts of secret findings'],
  'audit-body': ['body of an audited request', 'bodies of audited requests'],
  'embedded-text': ['text that quotes such', 'texts that quote such'],
};

/** For the notes of a scan. */
export function droppedNotes(dropped: Dropped): string[] {
  return Object.values(RULES).flatMap((name) => {
    const count = dropped[name] ?? 0;
    if (count === 0) return [];
    const [one, many] = WORDS[name];
    return [
      count === 1
        ? `1 ${one} was dropped before the report was kept.`
        : `${count} ${many} were dropped before the report was kept.`,
    ];
  });
}
