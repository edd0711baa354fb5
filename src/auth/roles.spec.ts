import { describe, expect, it } from 'vitest';
import { PERMISSIONS, ROLES, type Permission, type Role } from '../kernel/principal.js';
import { permissionsOf, ROLE_PERMISSIONS } from './roles.js';

const holders = (permission: Permission): Role[] => ROLES.filter((role) => permissionsOf(role).has(permission));

describe('roles', () => {
  it('keep apart who gives access, who makes the case and who judges it', () => {
    expect(holders('members:write')).toEqual(['admin']);
    expect(holders('agents:write')).toEqual(['admin']);
    expect(holders('packages:write')).toEqual(['compliance_officer']);
    expect(holders('scans:write')).toEqual(['compliance_officer', 'agent']);
    expect(holders('evidence:read')).toEqual(['compliance_officer', 'approver', 'auditor']);
    expect(holders('records:write')).toEqual(['compliance_officer']);
    expect(holders('records:approve')).toEqual(['approver']);
    expect(holders('records:read')).toEqual(['compliance_officer', 'approver', 'auditor']);
    expect(holders('events:read')).toEqual(['compliance_officer', 'approver', 'auditor']);
    expect(holders('engagements:write')).toEqual(['admin']);
    expect(holders('engagements:answer')).toEqual(['compliance_officer']);
    expect(holders('engagements:examine')).toEqual(['engaged_auditor']);
    expect(holders('organizations:create')).toEqual([]);
  });

  it('let approver, auditor and viewer write nothing', () => {
    for (const role of ['approver', 'auditor', 'viewer'] as const) {
      expect(ROLE_PERMISSIONS[role].filter((permission) => permission.endsWith(':write'))).toEqual([]);
    }
  });

  it('give an engaged auditor nothing that any route but those of engagements asks for', () => {
    for (const permission of ROLE_PERMISSIONS.engaged_auditor) expect(permission).toMatch(/^engagements:/);
  });

  it('let an auditor read all there is', () => {
    const readable = PERMISSIONS.filter((permission) => permission.endsWith(':read'));
    expect(readable.filter((permission) => !permissionsOf('auditor').has(permission))).toEqual([]);
  });

  it('give every permission to somebody, organisations:create aside, which first admins have', () => {
    expect(PERMISSIONS.filter((permission) => holders(permission).length === 0)).toEqual(['organizations:create']);
  });
});
