/** A login with a second factor, in the words of RFC 8176. */
export const FULL_STRENGTH: readonly string[] = ['pwd', 'otp', 'mfa'];

export interface ProviderUser {
  subject: string;
  name: string;
  email: string;
  /** What the development set-up makes of the user; no token says it. Null: nothing, for an engagement to let in (docs/engagements.md). */
  role: 'admin' | 'compliance_officer' | 'approver' | 'auditor' | 'viewer' | null;
  /** RFC 8176 values that a login of this user carries. */
  amr: readonly string[];
}

const person = (
  handle: string,
  name: string,
  role: ProviderUser['role'],
  amr: readonly string[] = FULL_STRENGTH,
): ProviderUser => ({
  subject: `dev-${handle}`,
  name,
  email: `${handle}@safeguard.example`,
  role,
  amr,
});

export const PROVIDER_USERS: readonly ProviderUser[] = [
  person('admin', 'Ada Admin', 'admin'),
  person('compliance-officer', 'Carol Compliance', 'compliance_officer'),
  person('approver', 'Paul Approver', 'approver'),
  person('auditor', 'Aude Auditor', 'auditor'),
  person('viewer', 'Vic Viewer', 'viewer'),
  person('nomfa', 'Noel Nofactor', 'admin', ['pwd']),
  person('outside-auditor', 'Otto Outside', null),
];

/** For people who pick one. */
export const whatIs = ({ role, amr }: ProviderUser): string =>
  `${role?.replace('_', ' ') ?? 'auditor of another firm, who sees nothing until let in'}${
    amr.includes('mfa') ? '' : ' without a second factor: is refused'
  }`;
