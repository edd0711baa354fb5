import type { CatalogContent } from './catalog.files.js';
import { CONTROLS, POD_SECURITY, placeOf } from './catalog.files.js';
import type { CheckEntry } from './catalog.schema.js';
import { allMappings, practicesOf, type Mapping } from './checks.mapping.js';
import { recordTypeRules } from './record-types.rules.js';
import { once, type Place, type Tell } from './tell.js';

/*
 * What must hold between the files of the catalogue. Each rule adds every fault it finds, with file and place; none stops at the first.
 */

/** All faults of a catalogue whose files have their documented shapes. */
export function faultsOf(content: CatalogContent): string[] {
  const faults: string[] = [];
  const tell: Tell = (file, place, message) => faults.push(`${file}: ${placeOf(place)}: ${message}`);
  controlRules(content, tell);
  practiceRules(content, tell);
  mappingRules(content, tell);
  checkRules(content, tell);
  crosswalkRules(content, tell);
  overlayRules(content, tell);
  recordTypeRules(content, tell);
  countRules(content, tell);
  return faults;
}

function controlRules({ controls: file }: CatalogContent, tell: Tell): void {
  const ids = new Set(file.controls.map(({ id }) => id));
  const names = new Map<string, string>();
  file.controls.forEach((control, index) => {
    const at = (field: string, message: string) => tell(CONTROLS, ['controls', index, field], message);
    once(names, control.id, control.id, (message) => at('id', message));
    for (const alias of control.aliases ?? []) once(names, alias, control.id, (message) => at('aliases', message));
    if (control.citation !== `45 CFR ${control.id}`) at('citation', `is not "45 CFR ${control.id}"`);
    if (control.parent !== null && (!ids.has(control.parent) || control.parent === control.id))
      at('parent', `no control ${control.parent} to belong to`);
    // 45 CFR 164.306(c) and (d): standards bind; only specifications of 164.308, 310, 312 and 314 carry a mark at all.
    if (control.type === 'standard' && control.required === 'addressable')
      at('required', 'a standard is never addressable (164.306(c))');
    else if (
      control.required === 'addressable' &&
      (control.type !== 'specification' || !/^164\.3(08|10|12|14)\(/.test(control.id))
    )
      at('required', 'only a specification of 164.308 to 164.314 can be addressable (164.306(d))');
    if ((control.needs === 'nothing') !== (control.needs_why !== undefined))
      at('needs', 'an item that needs nothing, and no other, says why in needs_why');
    const physical = control.id.startsWith('164.310');
    if (physical !== (control.family === 'physical')) at('family', 'physical is 164.310, and 164.310 is physical');
    if (physical !== (control.scanners === 'never'))
      at('scanners', 'physical safeguards, and no others, are marked as never proven by scanners');
  });
}

function practiceRules(content: CatalogContent, tell: Tell): void {
  const controls = new Map(content.controls.controls.map((control) => [control.id, control]));
  const checked = practicesWithEvidence(content);
  const ids = allPracticeIds(content);
  const names = new Map<string, string>();
  const groupNames = new Map<string, string>();
  const grouped = new Set<string>();
  for (const [file, { groups }] of content.practices) {
    groups?.forEach((group, index) => {
      once(groupNames, group.id, `a group of ${file}`, (message) => tell(file, ['groups', index, 'id'], message));
      group.practices.forEach((id, n) => {
        grouped.add(id);
        if (!ids.has(id)) tell(file, ['groups', index, 'practices', n], `no practice ${id}`);
      });
    });
  }
  for (const [file, { section, practices }] of content.practices) {
    if (file !== `practices/${section}.yaml`) tell(file, ['section'], `"${section}" belongs in practices/${section}.yaml`);
    practices.forEach((practice, index) => {
      const at = (place: Place, message: string) => tell(file, ['practices', index, ...place], message);
      once(names, practice.id, `a practice of ${file}`, (message) => at(['id'], message));
      if (section !== 'gap' && !grouped.has(practice.id)) at(['id'], 'stands in no group of the article');
      const { primary, supporting } = practice.hipaa;
      if (primary.length === 0) at(['hipaa', 'primary'], 'a practice without a control');
      const linked = new Map<string, string>();
      for (const [link, refs] of [
        ['primary', primary],
        ['supporting', supporting],
      ] as const) {
        refs.forEach((ref, n) => {
          const control = controls.get(ref);
          if (control === undefined) at(['hipaa', link, n], `no control ${ref}`);
          else if (link === 'primary' && control.scanners === 'never' && checked.has(practice.id))
            at(['hipaa', link, n], `${ref} is never proven by scanners, and this practice has scanner checks`);
          once(linked, ref, `another link of ${practice.id}`, (message) => at(['hipaa', link, n], message));
        });
      }
      const { kubernetes, outside_cluster: outside, records } = practice.evidence;
      if (!kubernetes && !outside && !records) at(['evidence'], 'nothing would prove this practice');
      if (practice.automation === 'records' && !records) at(['automation'], 'rests on records and names none');
      const types = new Map<string, string>();
      records?.forEach((record, n) => {
        once(types, record.type, 'another record of this practice', (message) =>
          at(['evidence', 'records', n, 'type'], message),
        );
        // The Security Rule sets no number of days for any evidence; who writes "regulation" beside a number misquotes it.
        if (record.basis === 'regulation' && record.max_age_days !== null)
          at(['evidence', 'records', n, 'basis'], 'the regulation sets no number of days');
      });
    });
  }
}

function mappingRules(content: CatalogContent, tell: Tell): void {
  const practices = allPracticeIds(content);
  const tools = new Map(allMappings(content).map((file) => [file.tool, checkNames(file)]));
  const sources = new Map<string, string>();
  const reports = new Map<string, string>();
  for (const [file, mapping] of content.mappings) {
    const failures = mapping.results?.failures ?? [];
    sourcesOf(mapping).forEach((source, index, all) => {
      const further = index - (all.length - failures.length);
      const place = further < 0 ? ['sources', index] : ['failures', further];
      const at = (message: string) => tell(file, ['results', ...place], message);
      once(sources, source, `a source of ${mapping.tool}`, at);
      for (const other of sources.keys())
        if (isBelow(source, other) || isBelow(other, source)) at(`"${source}" and "${other}" lie one within the other`);
    });
    if (file !== `mappings/${mapping.tool}.yaml`) tell(file, ['tool'], `belongs in mappings/${mapping.tool}.yaml`);
    const names = new Map<string, string>();
    mapping.ambiguous?.forEach(({ id }, index) =>
      once(names, id, 'an ambiguous id', (message) => tell(file, ['ambiguous', index], message)),
    );
    const rule = (entry: CheckEntry, place: Place) => {
      const at = (field: string, message: string) => tell(file, [...place, field], message);
      once(names, entry.id, entry.id, (message) => at('id', message));
      for (const alias of entry.aliases ?? []) once(names, alias, entry.id, (message) => at('aliases', message));
      if (mapping.qualifier !== undefined && !/^[^/]+\/[^/]+$/.test(entry.id))
        at('id', `is not written ${mapping.qualifier}/id`);
      if ((entry.practices === undefined) === (entry.unmapped === undefined))
        at('practices', 'a check has practices, or the reason why it has none, and never both');
      entry.practices?.forEach((id) => practices.has(id) || at('practices', `no practice ${id}`));
      if (entry.base_score !== undefined && mapping.severity_from_base_score === undefined)
        at('base_score', 'the file does not say which severity a score stands for');
      const onlyChanges = entry.rules?.every((kind) => kind === 'mutate' || kind === 'generate') ?? false;
      if (onlyChanges && entry.rules?.length !== 0 && entry.evidence !== false)
        at('evidence', 'a policy that only changes objects yields no evidence: say false');
      for (const [tool, others] of Object.entries(entry.same_as ?? {})) {
        const known = tools.get(tool);
        for (const other of others) if (!known?.has(other)) at('same_as', `no check ${other} of ${tool}`);
      }
    };
    mapping.checks.forEach((entry, index) => rule(entry, ['checks', index]));
    if (mapping.checks.length === 0 && mapping.report_kinds === undefined) tell(file, ['checks'], 'nothing is mapped');
    mapping.report_kinds?.forEach((kind, index) => {
      const at = (field: string, message: string) => tell(file, ['report_kinds', index, field], message);
      for (const id of kind.practices) if (!practices.has(id)) at('practices', `no practice ${id}`);
      for (const [field, named] of [
        ['sources', kind.sources],
        ['among', Object.keys(kind.among)],
      ] as const)
        for (const source of named) {
          once(reports, source, `a source of ${kind.report}`, (message) => at(field, message));
          if (!sourcesOf(mapping).some((own) => source === own || isBelow(source, own)))
            at(field, `"${source}" is no source of ${mapping.tool}`);
        }
    });
    for (const [benchmark, older] of Object.entries(mapping.older_benchmarks ?? {})) {
      const place = ['older_benchmarks', benchmark];
      const at = (field: string, message: string) => tell(file, [...place, field], message);
      const base = new Set(mapping.checks.map(({ id }) => id));
      if (![...base].some((id) => id.startsWith(`${older.base}/`))) at('base', `no benchmark ${older.base}`);
      if ([...base].some((id) => id.startsWith(`${benchmark}/`))) at('base', `${benchmark} has checks of its own right`);
      const own = new Set(older.own.map(({ id }) => id));
      const targets = new Map<string, string>();
      for (const [from, to] of Object.entries(older.moved)) {
        if (!base.has(`${older.base}/${to}`)) at('moved', `no check ${older.base}/${to}`);
        if (own.has(`${benchmark}/${from}`)) at('moved', `${from} has no twin, says "own"`);
        once(targets, to, `what ${from} became`, (message) => at('moved', message));
      }
      for (const id of older.absent) {
        if (!base.has(`${older.base}/${id}`)) at('absent', `no check ${older.base}/${id}`);
        if (Object.hasOwn(older.moved, id) || own.has(`${benchmark}/${id}`)) at('absent', `${id} is there after all`);
      }
      // An id that keeps its number must not meet another that moved onto it: two old checks would share one result.
      for (const [to, owner] of targets) {
        const keeps = !Object.hasOwn(older.moved, to) && !own.has(`${benchmark}/${to}`) && !older.absent.includes(to);
        if (keeps) at('absent', `${to} would mean itself and ${owner}: list it as absent`);
      }
      older.own.forEach((entry, index) => {
        if (!entry.id.startsWith(`${benchmark}/`)) at('own', `${entry.id} is not of ${benchmark}`);
        rule(entry, [...place, 'own', index]);
      });
    }
  }
}

/** Of the product's own checks. Whether their expressions compile and their examples hold is the matter of src/checks. */
function checkRules(content: CatalogContent, tell: Tell): void {
  const sections = new Map(
    [...content.practices.values()].flatMap(({ section, practices }) =>
      practices.map(({ id }): [string, string] => [id, section]),
    ),
  );
  const names = new Map<string, string>();
  for (const [file, { section, checks }] of content.checks) {
    if (file !== `checks/${section}.yaml`) tell(file, ['section'], `"${section}" belongs in checks/${section}.yaml`);
    checks.forEach((check, index) => {
      const at = (field: string, message: string) => tell(file, ['checks', index, field], message);
      once(names, check.id, `a check of ${file}`, (message) => at('id', message));
      const practices = practicesOf(check);
      if (practices.length === 0) at('practice', 'a check without a practice');
      for (const id of practices) if (!sections.has(id)) at('practice', `no practice ${id}`);
      if (!practices.some((id) => sections.get(id) === section)) at('practice', `supports no practice of ${section}`);
    });
  }
}

function crosswalkRules(content: CatalogContent, tell: Tell): void {
  const controls = new Set(content.controls.controls.map(({ id }) => id));
  const practices = allPracticeIds(content);
  for (const [file, crosswalk] of content.crosswalks) {
    if (file !== `crosswalks/${crosswalk.id}.yaml`) tell(file, ['id'], `belongs in crosswalks/${crosswalk.id}.yaml`);
    for (const [subject, references] of Object.entries(crosswalk.links)) {
      const known = crosswalk.subject === 'control' ? controls : practices;
      if (!known.has(subject)) tell(file, ['links', subject], `no ${crosswalk.subject} ${subject}`);
      if (new Set(references).size !== references.length) tell(file, ['links', subject], 'names a reference twice');
    }
  }
  const tools = new Map(allMappings(content).map((file) => [file.tool, checkNames(file)]));
  content.podSecurity.rows.forEach((row, index) => {
    for (const tool of ['trivy', 'kyverno', 'kubescape'] as const)
      for (const id of row.checks[tool])
        if (!tools.get(tool)?.has(id)) tell(POD_SECURITY, ['rows', index, 'checks', tool], `no check ${id} of ${tool}`);
    for (const id of row.practices)
      if (!practices.has(id)) tell(POD_SECURITY, ['rows', index, 'practices'], `no practice ${id}`);
  });
}

function overlayRules(content: CatalogContent, tell: Tell): void {
  const controls = new Map(content.controls.controls.map((control) => [control.id, control]));
  const practices = allPracticeIds(content);
  const records = new Map<string, { max_age_days: number | null }>(
    [...content.practices.values()].flatMap((file) =>
      file.practices.flatMap(({ id, evidence }) =>
        (evidence.records ?? []).map((record) => [`${id}/${record.type}`, record] as const),
      ),
    ),
  );
  for (const [file, overlay] of content.overlays) {
    if (file !== `hipaa/overlays/${overlay.id}.yaml`) tell(file, ['id'], `belongs in hipaa/overlays/${overlay.id}.yaml`);
    overlay.marks.controls.forEach((id, index) => {
      if (controls.get(id)?.required !== 'addressable') tell(file, ['marks', 'controls', index], `${id} is not addressable`);
    });
    const limited = new Map<string, string>();
    overlay.limits.forEach((limit, index) => {
      const at = (message: string) => tell(file, ['limits', index], message);
      const name = `${limit.practice}/${limit.record}`;
      const record = records.get(name);
      if (record === undefined) at(`no record ${limit.record} of a practice ${limit.practice}`);
      else if (record.max_age_days !== null && record.max_age_days < limit.max_age_days)
        at(`would loosen ${name} from ${record.max_age_days} to ${limit.max_age_days} days`);
      once(limited, name, 'another limit', at);
    });
    const names = new Map<string, string>();
    overlay.requirements.forEach((requirement, index) => {
      const at = (field: string, message: string) => tell(file, ['requirements', index, field], message);
      once(names, requirement.id, 'another requirement', (message) => at('id', message));
      if (!requirement.id.startsWith(`${overlay.id}/`)) at('id', `does not begin with ${overlay.id}/`);
      for (const id of requirement.amends) if (!controls.has(id)) at('amends', `no control ${id}`);
      for (const id of requirement.practices) if (!practices.has(id)) at('practices', `no practice ${id}`);
    });
  }
}

/** What the files say that they hold, against what they hold. */
function countRules(content: CatalogContent, tell: Tell): void {
  const { counts } = content.version;
  const expect = (file: string, place: Place, said: number, found: number) => {
    if (said !== found) tell(file, place, `says ${said}, and there are ${found}`);
  };
  const { controls } = content.controls;
  expect('version.yaml', ['counts', 'controls'], counts.controls, controls.length);
  const practices = [...content.practices.values()].flatMap((file) => file.practices.map(() => file.section));
  const gaps = practices.filter((section) => section === 'gap').length;
  expect('version.yaml', ['counts', 'practices'], counts.practices, practices.length);
  expect('version.yaml', ['counts', 'gap_practices'], counts.gap_practices, gaps);
  const mappings = allMappings(content);
  const links = mappings.flatMap((file) => file.checks.flatMap((entry) => entry.practices ?? [])).length;
  expect('version.yaml', ['counts', 'links'], counts.links, links);
  const recordTypes = [...content.recordTypes.values()].reduce((sum, { types }) => sum + types.length, 0);
  expect('version.yaml', ['counts', 'record_types'], counts.record_types ?? 0, recordTypes);
  for (const tool of new Set([...Object.keys(counts.checks), ...mappings.map((file) => file.tool)])) {
    const found = mappings.find((file) => file.tool === tool)?.checks.length ?? 0;
    expect('version.yaml', ['counts', 'checks', tool], counts.checks[tool] ?? 0, found);
  }
  // The Security Rule is Subpart C, 164.302 to 164.318; the convention of counting is told in controls.yaml.
  const rule = controls.filter(({ id }) => id.startsWith('164.3'));
  const ofType = (type: string) => rule.filter((control) => control.type === type);
  const specifications = ofType('specification');
  const found = {
    standards: ofType('standard').length,
    specifications: specifications.length,
    specifications_required: specifications.filter(({ required }) => required === 'required').length,
    specifications_addressable: specifications.filter(({ required }) => required === 'addressable').length,
    contract_terms: ofType('contract_term').length,
    paragraphs: ofType('paragraph').length,
    general_rules: ofType('general_rule').length,
  };
  for (const [key, said] of Object.entries(content.controls.counts.security_rule))
    expect(CONTROLS, ['counts', 'security_rule', key], said, found[key as keyof typeof found]);
}

function allPracticeIds(content: CatalogContent): Set<string> {
  return new Set([...content.practices.values()].flatMap((file) => file.practices.map(({ id }) => id)));
}

/**
 * Practices that scanners have checks for. The product's own checks are left out: one may look for volumes that were left behind, and posture lets no result count for a
 * control that scanners never prove.
 */
function practicesWithEvidence(content: CatalogContent): Set<string> {
  return new Set(
    [...content.mappings.values()].flatMap((file) => [
      ...(file.report_kinds ?? []).flatMap(({ practices }) => practices),
      ...[...file.checks, ...Object.values(file.older_benchmarks ?? {}).flatMap(({ own }) => own)]
        .filter((entry) => entry.evidence !== false)
        .flatMap((entry) => entry.practices ?? []),
    ]),
  );
}

/** Where results of a mapping's checks come from; also from all sources below. */
export function sourcesOf({ tool, results }: Mapping): readonly string[] {
  return [...(results?.sources ?? [tool]), ...(results?.failures ?? [])];
}

function isBelow(source: string, other: string): boolean {
  return source.startsWith(`${other}/`);
}

function checkNames(file: Mapping): Set<string> {
  return new Set(file.checks.flatMap((entry) => [entry.id, ...(entry.aliases ?? [])]));
}
