/** Keys that mean something to a rule, and what; all others mean `None`. Numbers, for they are kept per open object. */
export const Key = {
  None: 0,
  Kind: 1,
  ApiVersion: 2,
  Metadata: 3,
  Annotations: 4,
  /** The values of a Secret or ConfigMap. */
  Values: 5,
  Items: 6,
  /** An annotation in which a tool keeps the whole object. */
  Copy: 7,
  /** An annotation or label of a ConfigMap in which the Compliance Operator keeps the result of a scan. */
  ScanResult: 8,
  /** What of its values is that result. */
  ScanPart: 9,
  /** Secrets that a scanner found. */
  Findings: 10,
  RuleId: 11,
  /** The text in which it found one. */
  Matched: 12,
  /** A provider of an EncryptionConfiguration that has keys. */
  Provider: 13,
  Keys: 14,
  Secret: 15,
  ObjectRef: 16,
  Resource: 17,
  Subresource: 18,
  MethodName: 19,
  /** What was sent or answered by an audited request. */
  Body: 20,
  /** A list of environment variables, of Kubernetes or of an image; of the headers of a probe. */
  Environment: 21,
  Value: 22,
  /** What an image was built by. */
  History: 23,
  Command: 24,
  /** Kubescape's copy of the EncryptionConfiguration of a node, in base64. */
  KeyFile: 25,
  Content: 26,
  /** Rules of a run of SARIF, what says which they are, and what they quote. */
  Rules: 27,
  Name: 28,
  Description: 29,
  Prose: 30,
} as const;
export type Key = (typeof Key)[keyof typeof Key];

export const KEYS: ReadonlyMap<string, Key> = new Map<string, Key>([
  ['kind', Key.Kind],
  ['apiVersion', Key.ApiVersion],
  ['metadata', Key.Metadata],
  ['annotations', Key.Annotations],
  ['labels', Key.Annotations],
  ['data', Key.Values],
  ['stringData', Key.Values],
  ['binaryData', Key.Values],
  ['items', Key.Items],
  ['kubectl.kubernetes.io/last-applied-configuration', Key.Copy],
  ['objectset.rio.cattle.io/applied', Key.Copy],
  ['banzaicloud.com/last-applied', Key.Copy],
  ['kapp.k14s.io/original', Key.Copy],
  ['compliance.openshift.io/scan-result', Key.ScanResult],
  ['compliance.openshift.io/scan-name', Key.ScanResult],
  ['complianceoperator.openshift.io/scan-result', Key.ScanResult],
  ['compliance-scan', Key.ScanResult],
  ['openscap-scan-result/node', Key.ScanResult],
  ['openscap-scan-result/compressed', Key.ScanResult],
  ['results', Key.ScanPart],
  ['exit-code', Key.ScanPart],
  // Trivy, its operator, gitleaks.
  ['Secrets', Key.Findings],
  ['secrets', Key.Findings],
  ['RuleID', Key.RuleId],
  ['ruleID', Key.RuleId],
  ['Match', Key.Matched],
  ['match', Key.Matched],
  ['Code', Key.Matched],
  ['code', Key.Matched],
  ['Secret', Key.Matched],
  ['aescbc', Key.Provider],
  ['aesgcm', Key.Provider],
  ['secretbox', Key.Provider],
  ['keys', Key.Keys],
  ['secret', Key.Secret],
  // Audit events of Kubernetes, and as Google writes them.
  ['objectRef', Key.ObjectRef],
  ['resource', Key.Resource],
  ['subresource', Key.Subresource],
  ['requestObject', Key.Body],
  ['responseObject', Key.Body],
  ['methodName', Key.MethodName],
  ['request', Key.Body],
  ['response', Key.Body],
  ['env', Key.Environment],
  ['Env', Key.Environment],
  ['httpHeaders', Key.Environment],
  ['value', Key.Value],
  ['history', Key.History],
  ['created_by', Key.Command],
  ['encryptionProviderConfigFile', Key.KeyFile],
  ['content', Key.Content],
  // SARIF of Trivy.
  ['rules', Key.Rules],
  ['name', Key.Name],
  ['fullDescription', Key.Description],
  ['help', Key.Description],
  ['text', Key.Prose],
  ['markdown', Key.Prose],
]);
