import type { Permission, Role } from '../kernel/principal.js';

/**
 * Who may do what: the whole of it. The lines follow 45 CFR 164.308(a)(4) (access by role) and 164.502(b) (minimum necessary), and keep apart who gives
 * access, who makes the case and who judges it:
 * - `admin` gives access and registers what is in scope. Admins read no evidence and no records and make no package, so that access to the system is not access to
 *   what it holds.
 * - `compliance_officer` keeps the case: settings, checks, evidence, records, packages. Gives nobody access, and approves no record.
 * - `approver` reads what there is to decide on and decides on records, and writes nothing that would be decided on.
 * - `auditor` reads all of it, evidence, packages and the audit log with it, and writes nothing.
 * - `viewer` sees statuses and results, never the bytes of evidence, which may hold PHI, nor who the others are. So no security events: they name people.
 * - `engaged_auditor` is no member: somebody who was let in by an engagement, and holds these on the routes of that engagement alone.
 * - `agent` posts reports of its own system and sees what became of them.
 */
export const ROLE_PERMISSIONS = {
  admin: [
    'organizations:read',
    'organizations:write',
    'members:read',
    'members:write',
    'systems:read',
    'systems:write',
    'agents:read',
    'agents:write',
    'scans:read',
    'results:read',
    'checks:read',
    'posture:read',
    'notices:read',
    'audit:read',
    'engagements:read',
    'engagements:write',
  ],
  compliance_officer: [
    'organizations:read',
    'organizations:write',
    'members:read',
    'systems:read',
    'systems:write',
    'agents:read',
    'scans:read',
    'scans:write',
    'results:read',
    'checks:read',
    'checks:write',
    'events:read',
    'evidence:read',
    'posture:read',
    'records:read',
    'records:write',
    'record-types:write',
    'notices:read',
    'notices:write',
    'packages:read',
    'packages:write',
    'audit:read',
    'engagements:read',
    'engagements:answer',
    'engagements:comment',
  ],
  approver: [
    'organizations:read',
    'members:read',
    'systems:read',
    'agents:read',
    'scans:read',
    'results:read',
    'checks:read',
    'events:read',
    'evidence:read',
    'posture:read',
    'records:read',
    'records:approve',
    'packages:read',
    'audit:read',
    'engagements:read',
  ],
  auditor: [
    'organizations:read',
    'members:read',
    'systems:read',
    'agents:read',
    'scans:read',
    'results:read',
    'checks:read',
    'events:read',
    'evidence:read',
    'posture:read',
    'records:read',
    'notices:read',
    'packages:read',
    'audit:read',
    'engagements:read',
  ],
  viewer: ['organizations:read', 'systems:read', 'scans:read', 'results:read', 'checks:read', 'posture:read'],
  agent: ['systems:read', 'scans:read', 'scans:write'],
  engaged_auditor: ['engagements:read', 'engagements:examine', 'engagements:comment'],
} as const satisfies Record<Role, readonly Permission[]>;

/** `authenticated` is what every valid token has. */
export const permissionsOf = (role: Role): ReadonlySet<Permission> =>
  new Set<Permission>(['authenticated', ...ROLE_PERMISSIONS[role]]);
