/**
 * Texts that are a secret by their looks, wherever they stand: the forms that issuers of credentials gave them so that scanners find them. None of them is a word
 * that a check asks for. It is a net: what has no form (a password of plain letters) is caught by where it stands, which the agent knows of objects and the server of reports.
 */
const FORMS = [
  // PEM (RFC 7468), and keys of age.
  String.raw`-----BEGIN [A-Z ]*PRIVATE KEY-----`,
  String.raw`AGE-SECRET-KEY-1`,
  // JWT (RFC 7519): a header that begins with {" in base64url. What is looked at again and again is each stretch of such letters once: hostile texts begin one everywhere.
  String.raw`(?<![\w-])(?=[\w-]{11,}\.[\w-]{8,}\.)(?:[\w-]*-)?eyJ[\w-]{8}`,
  // AWS: the key by its name, or behind its id; by itself it is forty letters like any.
  String.raw`[Ss](?:ecret|ECRET)[ _-]?[Aa](?:ccess|CCESS)[ _-]?[Kk](?:ey|EY)\W{1,16}[A-Za-z0-9/+]{40}`,
  String.raw`\b(?:AKIA|ASIA)[A-Z0-9]{16}\W{1,8}[A-Za-z0-9/+]{40}(?![A-Za-z0-9/+])`,
  // GitHub, GitLab, Slack, Google, Stripe, npm, Vault, SendGrid.
  String.raw`\b(?:gh[pousr]_[A-Za-z0-9]{36}|github_pat_\w{22})`,
  String.raw`\bglpat-[\w-]{20}`,
  String.raw`\bxox[abeoprs]-[\w-]{10}`,
  String.raw`\bAIza[\w-]{35}`,
  String.raw`\b[rs]k_live_\w{16}`,
  String.raw`\bnpm_[A-Za-z0-9]{36}`,
  String.raw`\bhv[bs]\.[\w-]{20}`,
  String.raw`\bSG\.[\w-]{16,}\.[\w-]{16,}`,
  // Credentials in a URL (RFC 3986 section 3.2.1).
  String.raw`:\/\/[^\s\/:@]*:[^\s\/@]+@`,
];
const FORM = new RegExp(FORMS.join('|'));
/** In an Authorization header (RFC 7617, RFC 6750); a plain text may have these words too. */
const AUTHORIZATION = /\b(?:[Bb]asic|[Bb]earer) +[A-Za-z0-9+/=._~-]{16}/;
/** The id of an access key of AWS: it names the key as a name of a user does, and next to one the key itself is not far. */
const KEY_ID = /\b(?:AKIA|ASIA)[A-Z0-9]{16}\b/;
/** A JSON Web Key (RFC 7517) that is private or symmetric (RFC 7518 section 6), also quoted in another text. */
const JWK_TYPE = /"kty\\?"\s{0,8}:/;
const JWK_SECRET = /"(?:d|k)\\?"\s{0,8}:\s{0,8}\\?"[\w-]{16}/;

/** `password=…`, `"apiKey": "…"`: said of itself, in a text that people or programs wrote. A word that goes on (`token-file=`) says where a secret is, and is none. */
const NAMED =
  /(?:passw(?:or)?d|passphrase|pwd|secret|token|api[_-]?key|access[_-]?key|credentials?)["']?\s{0,8}[=:]\s{0,8}["']?[^\s"',]/i;

/** No form above is shorter. */
const SHORTEST = 12;

/** Whether a text has a form that nothing else has: a private key, a token, a password in an address. */
export function holdsSecret(text: string): boolean {
  return text.length >= SHORTEST && (FORM.test(text) || (JWK_TYPE.test(text) && JWK_SECRET.test(text)));
}

/** Whether a text has the form of a secret, or of what stands next to one. */
export function hasSecretForm(text: string): boolean {
  return holdsSecret(text) || AUTHORIZATION.test(text) || KEY_ID.test(text);
}

/** The same, or it names one and says it. */
export function tellsSecret(text: string): boolean {
  return hasSecretForm(text) || NAMED.test(text);
}
