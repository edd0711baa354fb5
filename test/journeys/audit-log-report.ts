/** What the catalogue asks of kube-bench for the practice `api-audit-logging`. */
const CHECKS = ['1.2.16', '1.2.17', '1.2.18', '1.2.19', '3.2.1'];
export const PRACTICE = 'api-audit-logging';

/** A kube-bench report of a control-plane node about the API server's audit log; `failing` are check numbers. */
export function auditLogReport(failing: readonly string[]): Buffer {
  const results = CHECKS.map((number) => ({
    test_number: number,
    test_desc: `Check ${number} (Automated)`,
    status: failing.includes(number) ? 'FAIL' : 'PASS',
    scored: true,
  }));
  const control = { id: '1', version: 'cis-1.12', node_type: 'master', tests: [{ section: '1.2', results }] };
  return Buffer.from(JSON.stringify({ Controls: [control] }), 'utf8');
}
