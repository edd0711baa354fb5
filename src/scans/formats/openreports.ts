import { policyReportFormat } from './policy-report.js';

/** The Policy Report API under its new name. */
export const openReports = policyReportFormat(
  'openreports',
  'OpenReports',
  'Report and ClusterReport of openreports.io (v1alpha1)',
  'openreports.io',
);
