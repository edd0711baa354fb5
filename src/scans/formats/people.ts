import { createHash } from 'node:crypto';

/**
 * What stands in a row for the name of a person: the same for the same name, so that the row stays the same row, and another for another. It is a pseudonym and no
 * anonymity: whoever can guess the name can make its digest.
 */
export function pseudonym(name: string): string {
  return `sha256:${createHash('sha256').update(name).digest('hex').slice(0, 16)}`;
}

/** What AWS calls people by, and what they call their sessions and devices: `user/path/jane`, `assumed-role/ROLE/jane`. `root` is none. */
const PRINCIPAL =
  /\b(arn:aws[a-z-]{0,20}:[a-z0-9-]{1,50}:[^:/\s]{0,50}:[^:/\s]{0,50}:(?:user|federated-user|mfa|sms-mfa|u2f|dbuser|assumed-role\/[^/\s]{1,100})[:/])(\S+)/g;

/** The folder that a system keeps for a person, from the root of a file system: a repository may have folders of these names too. */
const HOME =
  /^((?:file:\/\/[^/]*|\\\\[^\\/]+)?(?:[\\/]?[a-z]:|\/mnt\/[a-z]|\/[a-z]|\/var|\/export)?[\\/](?:home|users|documents and settings)[\\/]+)([^\\/]+)/i;

/** At most as long as RFC 5321 lets them be, so that no long text is gone through at each of its places. */
const ADDRESS = /[^\s/\\:;,|<>()[\]{}"'=@]{1,64}@((?:[a-z0-9-]{1,63}\.){1,8}[a-z]{2,63})(?![\w-])/gi;

/** Of packages, `name@1.2.3-rc.build`, and of accounts that machines have. */
const NO_PERSON = /^v?\d+\.\d|(?:^|\.)gserviceaccount\.com$/i;

/** The name of a resource, with a pseudonym for each name of a person in it that can be told to be one. */
export function withoutPeople(name: string): string {
  return name
    .replace(PRINCIPAL, (_, before: string, person: string) => before + pseudonym(person))
    .replace(HOME, (_, before: string, person: string) => before + pseudonym(person))
    .replace(ADDRESS, (address, domain: string) => (NO_PERSON.test(domain) ? address : pseudonym(address)));
}
