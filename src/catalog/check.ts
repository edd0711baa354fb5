import { CatalogFaults } from './catalog.files.js';
import { checkReleased, loadCatalog, loadRelease, releaseCatalog, releasedVersions } from './load.js';

/*
 * `node dist/src/catalog/check.js` checks the catalogue and every released version, and prints what there is; exit status 1 and all the faults otherwise.
 * With `--release` it keeps the current version in catalog/releases first.
 */

try {
  if (process.argv.includes('--release')) {
    const { path, written } = releaseCatalog();
    console.log(written ? `released: ${path}` : `already released, with the same content: ${path}`);
  }
  const catalog = loadCatalog();
  checkReleased(catalog);
  const releases = releasedVersions();
  for (const version of releases) loadRelease(version);
  const links = catalog.checks.reduce((sum, check) => sum + check.practices.length, 0);
  const proposed = catalog.checks.filter(({ review }) => review === 'proposed').length;
  const gaps = catalog.gaps();
  console.log(`catalogue ${catalog.version} ${catalog.digest}, law text of ${catalog.lawText.snapshot}`);
  console.log(`  ${catalog.controls.length} controls, ${catalog.practices.length} practices`);
  console.log(`  ${catalog.checks.length} checks with ${links} links to practices; ${proposed} of the checks are not reviewed`);
  console.log(`  ${catalog.crosswalks.length} crosswalks, overlays: ${catalog.overlays.map(({ id }) => id).join(', ')}`);
  console.log(
    `  no practice: ${gaps.controlsWithoutPractice.length} controls; no scanner source: ${gaps.controlsWithoutScanner.length} controls, ` +
      `${gaps.practicesWithoutScanner.length + gaps.practicesOnRecordsOnly.length} practices`,
  );
  console.log(`  released versions: ${releases.join(', ') || 'none'}`);
} catch (error) {
  if (!(error instanceof CatalogFaults)) throw error;
  console.error(error.message);
  process.exitCode = 1;
}
