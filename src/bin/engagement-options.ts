import { Option, type Command } from 'commander';
import {
  acceptRequest,
  answerRequest,
  askFor,
  commentRequest,
  downloadHandedOver,
  handOver,
  invite,
  listEngagements,
  listRequests,
  returnRequest,
  revokeEngagement,
  showEngagement,
  showRequest,
  withdrawRequest,
} from './commands/engagements.js';
import { calling, each, given, inOrganization, instant } from './options.js';

const called = (command: Command): Command => inOrganization(calling(command, '15s'));

const inEngagement = (command: Command): Command =>
  called(command).addOption(
    new Option('--engagement <id>', 'the engagement')
      .env('SAFEGUARD_ENGAGEMENT')
      .argParser(given)
      .makeOptionMandatory(),
  );

const id = (text: string): string => given(text);

/** The commands about auditors who are let in. */
export function addEngagementCommands(program: Command): void {
  const engagement = program
    .command('engagement')
    .description('Auditors who are let in to a scope and a period, for a time; and what they ask for.');
  called(engagement.command('invite'))
    .description('Let an auditor in. Prints the engagement and the organisation, which the auditor needs to name.')
    .requiredOption('--name <name>', 'what to call it')
    .requiredOption('--issuer <url>', 'where the auditor signs in: one of the server’s issuers')
    .option('--subject <sub>', 'who it is, as the issuer names people')
    .option('--email <address>', 'or by an address that the issuer has verified: the first who comes with it')
    .option('--system <id|name>', 'a system that is shown; may be given again (default: all)', each(id))
    .requiredOption('--from <instant>', 'the period that is shown, from (RFC 3339)', instant)
    .requiredOption('--to <instant>', 'and to', instant)
    .option('--starts-at <instant>', 'from when on access is given (default: now)', instant)
    .requiredOption('--ends-at <instant>', 'from when on no longer', instant)
    .action(invite);
  called(engagement.command('list'))
    .description('List engagements: who is let in until when.')
    .option('--all', 'also those that have ended or were revoked')
    .action(listEngagements);
  called(engagement.command('show'))
    .description('Print an engagement.')
    .argument('<id>', 'the engagement')
    .action(showEngagement);
  called(engagement.command('revoke'))
    .description('End access at once.')
    .argument('<id>', 'the engagement')
    .action(revokeEngagement);
  inEngagement(engagement.command('hand-over'))
    .description('Let the auditor download a package.')
    .argument('<package>', 'the package')
    .action(handOver);
  inEngagement(engagement.command('download'))
    .description('As the auditor: download a package that was handed over; a cut download goes on where it was cut.')
    .argument('<package>', 'the package')
    .option('--output <file>', 'where to (default: safeguard-<id>.zip, with .age where it is encrypted)')
    .option('--force', 'replace the file if it is there')
    .action(downloadHandedOver);
  inEngagement(engagement.command('requests'))
    .description('List what the auditor asks for.')
    .addOption(
      new Option('--state <state>', 'only this state').choices([
        'open',
        'answered',
        'returned',
        'accepted',
        'withdrawn',
      ]),
    )
    .action(listRequests);
  inEngagement(engagement.command('request'))
    .description('Print a request with all that was done and said of it.')
    .argument('<id>', 'the request')
    .action(showRequest);
  inEngagement(engagement.command('ask'))
    .description('As the auditor: ask for evidence.')
    .argument('<title>', 'what for, in a line')
    .option('--what <text>', 'in more words')
    .option('--control <id>', 'the paragraph that it is about')
    .option('--due <instant>', 'when it should be answered (RFC 3339)', instant)
    .action(askFor);
  const commented = (command: Command): Command => command.option('--comment <text>', 'what is said of it');
  commented(inEngagement(engagement.command('answer')))
    .description('Answer a request: hand over what is within the scope and period of the engagement.')
    .argument('<id>', 'the request')
    .option('--record <id>', 'a record; may be given again', each(id))
    .option('--evidence <id>', 'an evidence; may be given again', each(id))
    .option('--package <id>', 'a package; may be given again', each(id))
    .action(answerRequest);
  commented(inEngagement(engagement.command('accept')))
    .description('As the auditor: accept an answer.')
    .argument('<id>', 'the request')
    .action(acceptRequest);
  inEngagement(engagement.command('return'))
    .description('As the auditor: send an answer back.')
    .argument('<id>', 'the request')
    .requiredOption('--comment <text>', 'what is missing')
    .action(returnRequest);
  commented(inEngagement(engagement.command('withdraw')))
    .description('As the auditor: no longer ask.')
    .argument('<id>', 'the request')
    .action(withdrawRequest);
  inEngagement(engagement.command('comment'))
    .description('Say something of a request.')
    .argument('<id>', 'the request')
    .argument('<text>', 'what is said')
    .action(commentRequest);
}
