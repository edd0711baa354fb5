import { Option, type Command } from 'commander';
import { decideImport, exportTable, importTable } from './commands/import.js';
import { listAgreements, listKeys, showRecovery } from './commands/ledgers.js';
import {
  addDocument,
  approveRecord,
  createRecord,
  endRecord,
  listRecords,
  rejectRecord,
  showRecord,
  submitRecord,
} from './commands/records.js';
import { checkTypes, listTypes, showType } from './commands/types.js';
import { listWork, workKinds, writeCalendar } from './commands/work.js';
import { listFormats } from './client/lists.js';
import { calling, duration, inOrganization, inSystem, instant } from './options.js';

const called = (command: Command): Command => inOrganization(calling(command, '15s'));

const listed = (command: Command): Command =>
  command
    .addOption(
      new Option('--format <format>', 'text: print the list; csv, xlsx: the whole of it as a table')
        .choices(listFormats)
        .default('text')
        .conflicts('json'),
    )
    .option('--output <file>', 'of a table: where to (default: standard output)')
    .option('--force', 'replace the file if it is there');

/** The commands about what people keep. */
export function addRecordCommands(program: Command): void {
  const records = program.command('records').description('What people keep: records of a type, with their documents.');
  inSystem(calling(records.command('list'), '15s'), 'only those of one system')
    .description('List records; with --as-of or --known-at those that were in effect then.')
    .option('--type <type>', 'only this type')
    .addOption(
      new Option('--state <state>', 'only this state').choices(['draft', 'submitted', 'approved', 'withdrawn']),
    )
    .option('--key <key>', 'only the record with this key')
    .option('--linked-to <kind:target>', 'only those with this link')
    .option('--expiring-before <instant>', 'only those that expire before then (RFC 3339)', instant)
    .option('--as-of <instant>', 'how it was then (RFC 3339)', instant)
    .option('--known-at <instant>', 'as far as it was known then (RFC 3339)', instant)
    .action(listRecords);
  called(records.command('show'))
    .description('Print a record with its fields, links, documents and versions.')
    .argument('<id>', 'the record')
    .action(showRecord);
  called(records.command('create'))
    .description('Begin a record as a draft, of a JSON file as POST …/records takes it.')
    .argument('<file>', 'the file; - is standard input')
    .action(createRecord);
  called(records.command('document'))
    .description('Add a file to the documents of a draft.')
    .argument('<id>', 'the record')
    .argument('<file>', 'the file')
    .requiredOption('--role <role>', 'what it is for the record, as its type says')
    .option('--name <name>', 'what to call it (default: the name of the file)')
    .action(addDocument);
  called(records.command('submit'))
    .description('Have a draft checked, and wait for another person.')
    .argument('<id>', 'the record')
    .action(submitRecord);
  called(records.command('approve'))
    .description('Approve a record that somebody else has written and submitted.')
    .argument('<id>', 'the record')
    .action(approveRecord);
  called(records.command('reject'))
    .description('Give a submitted record back to who wrote it.')
    .argument('<id>', 'the record')
    .requiredOption('--reason <text>', 'why')
    .action(rejectRecord);
  called(records.command('end'))
    .description('Begin the version that ends a record; it is submitted and approved like any other.')
    .argument('<id>', 'the record')
    .requiredOption('--reason <text>', 'why')
    .requiredOption('--effective-from <instant>', 'from when on the record is no more (RFC 3339)', instant)
    .action(endRecord);
  called(records.command('import'))
    .description('Send a table of records of one type, CSV or XLSX: all of its rows are submitted, or none.')
    .argument('<file>', 'the table')
    .requiredOption('--type <type>', 'the type of its records')
    .option('--dry-run', 'check it, and write nothing')
    .option('--sheet <name>', 'of a workbook: the sheet (default: the first that is shown)')
    .addOption(
      new Option('--wait-for <duration>', 'how long to wait until it is read')
        .argParser(duration)
        .default(duration('10m'), '10m'),
    )
    .addHelpText('after', '\nExits with 1 when the table is refused; what is wrong is told row by row.')
    .action(importTable);
  called(records.command('decide-import'))
    .description('Decide on all that an import has submitted, by another person than who sent it.')
    .argument('<id>', 'the import')
    .option('--approve', 'approve all of it')
    .option('--reject <reason>', 'abandon all of it')
    .action(decideImport);
  called(records.command('export'))
    .description('Write the records of a type that are in effect as a table, as `import` takes it.')
    .requiredOption('--type <type>', 'their type')
    .addOption(new Option('--format <format>', 'the format').choices(['csv', 'xlsx']).default('csv'))
    .option('--as-of <instant>', 'as it was then (RFC 3339; default: now)', instant)
    .option('--known-at <instant>', 'as far as it was known then (RFC 3339; default: now)', instant)
    .option('--output <file>', 'where to (default: standard output)')
    .option('--force', 'replace the file if it is there')
    .action(exportTable);

  const types = program.command('types').description('The types that records are of.');
  called(types.command('list')).description('List them, the organisation’s own among them.').action(listTypes);
  called(types.command('show'))
    .description('Print a type, with the schema of its fields.')
    .argument('<type>', 'the type')
    .action(showType);
  types
    .command('check')
    .description('Say whether the server would take types of your own (org/…), offline and by the same rules.')
    .argument('<file...>', 'YAML or JSON: a definition, several under `types`, or the body of changeRecordType')
    .action(checkTypes);

  listed(called(program.command('agreements')))
    .description('List vendors with their agreements: what is in force, missing or about to end.')
    .option('--state <state>', 'only vendors of which this is so (no-agreement, ending, …)')
    .option('--as-of <instant>', 'how it was then (RFC 3339; default: now)', instant)
    .option('--known-at <instant>', 'as far as it was known then (RFC 3339; default: now)', instant)
    .action(listAgreements);
  listed(inSystem(calling(program.command('keys'), '15s'), 'only keys of one system'))
    .description('List keys and secrets, with why they are overdue or otherwise not as they should be.')
    .option('--state <state>', 'only keys of this state')
    .option('--purpose <purpose>', 'only keys of this purpose')
    .option('--as-of <instant>', 'how it was then (RFC 3339; default: now)', instant)
    .option('--known-at <instant>', 'as far as it was known then (RFC 3339; default: now)', instant)
    .action(listKeys);
  listed(inSystem(calling(program.command('work'), '15s'), 'only what is to be done for one system'))
    .description('List what is missing, stale, failing, about to expire, due or waiting: what holds back most first.')
    .option('--owner <id|me>', 'only what this member answers for; me: yourself')
    .addOption(new Option('--kind <kind>', 'only this kind').choices(workKinds))
    .option('--as-of <instant>', 'how it was then (RFC 3339; default: now)', instant)
    .option('--known-at <instant>', 'as far as it was known then (RFC 3339; default: now)', instant)
    .action(listWork);
  called(program.command('calendar'))
    .description(
      'Write a calendar (iCalendar): agreements that end, records that expire, keys, duties, statuses that changed, scans that stopped.',
    )
    .option('--output <file>', 'where to (default: standard output)')
    .option('--force', 'replace the file if it is there')
    .action(writeCalendar);
  called(program.command('recovery'))
    .description(
      'Print the recovery objectives of a system, whether they were held over a period, and its restore tests.',
    )
    .argument('<system>', 'the system, by id or name')
    .option('--from <instant>', 'where the period begins (RFC 3339)', instant)
    .option('--to <instant>', 'where it ends (RFC 3339)', instant)
    .option('--known-at <instant>', 'as far as it was known then (RFC 3339; default: now)', instant)
    .action(showRecovery);
}
